"""usage: near-dense.py FOLDER: rotary embeddings and layer normalizations as exporters
write them, and changes that mean something else, each an output of one file, with what
numpy gives for every node. The names of outputs start with the node that they become, or
with `not`.
       near-dense.py FOLDER check: compares FOLDER/CASE/got with FOLDER/CASE/out."""
import sys
from pathlib import Path
import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

folder = Path(sys.argv[1])
CASES = {"some": (2, 5), "one": (1, 1), "none": (2, 0), "long": (3, 17)}
nodes, inits, inputs, results = [], [], {}, {}
rng = np.random.default_rng(7)


class Tensor:
    def __init__(self, name, value):
        self.name, self.value = name, value

    def __getitem__(self, columns):
        """Columns of the last dimension."""
        first, last, step = columns.indices(self.value.shape[-1])
        return node("Slice", self.value[..., columns], self, *(constant([v]) for v in (first, last, -1, step)))


def node(op, value, *operands, **attributes):
    name = f"t{len(nodes)}"
    nodes.append(helper.make_node(op, [o.name for o in operands], [name], name=f"{op}_{len(nodes)}", **attributes))
    return Tensor(name, np.asarray(value, np.float32))


def constant(value):
    array = np.asarray(value)
    array = array.astype(np.float32 if array.dtype.kind == "f" else np.int64)
    inits.append(numpy_helper.from_array(array, f"c{len(inits)}"))
    return Tensor(f"c{len(inits) - 1}", array)


def given(name, *dims):
    if name not in inputs:
        value = rng.standard_normal([sizes.get(d, d) for d in dims]).astype(np.float32)
        inputs[name] = (dims, Tensor(name, value))
    return inputs[name][1]


def binary(op, function):
    return lambda a, b: node(op, function(a.value, b.value), a, b)


add, sub, mul, div = binary("Add", np.add), binary("Sub", np.subtract), binary("Mul", np.multiply), binary("Div", np.divide)
neg = lambda x: node("Neg", -x.value, x)
cat = lambda *x, axis=-1: node("Concat", np.concatenate([v.value for v in x], axis), *x, axis=axis)
root = lambda x: node("Sqrt", np.sqrt(x.value), x)
square = lambda x: node("Pow", x.value**2, x, constant(2.0))
mean = lambda x, axis=-1: node("ReduceMean", x.value.mean(axis, keepdims=True) if x.value.size else x.value[..., :1], x, axes=[axis], keepdims=1)


def reshape(x, *shape):
    copied = [x.value.shape[i] if s == 0 else s for i, s in enumerate(shape)]
    return node("Reshape", x.value.reshape(copied), x, constant(list(shape)))


def turned(x, at=None, minus=neg):
    at = at or x.value.shape[-1] // 2
    return cat(minus(x[at:]), x[:at])


def halves(a, b, c, s, join=cat, first=sub, second=add):
    return join(first(mul(a, c), mul(b, s)), second(mul(b, c), mul(a, s)))


def rotary():
    x = lambda: neg(given("x", "b", 4, "s", 8))  # of its own for each, so that nothing else reads the parts
    cos, sin = given("cos", "b", 1, "s", 8), given("sin", "b", 1, "s", 8)
    half, other = given("half", "b", 1, "s", 4), given("other", "b", 1, "s", 4)

    def plain(v, c=cos, s=sin, **options):
        return add(mul(v, c), mul(turned(v, **options), s))
    yield "rotary_plain", plain(x())
    v = x()
    yield "rotary_swapped", add(mul(sin, turned(v)), mul(cos, v))
    v = neg(given("xt", "b", "s", 4, 8))
    yield "rotary_heads_behind", plain(v, given("cost", "b", "s", 1, 8), given("sint", "b", "s", 1, 8))
    yield "rotary_shared_by_batch", plain(x(), given("cos1", 1, 1, "s", 8), given("sin1", 1, 1, "s", 8))
    yield "rotary_rank_2", plain(x(), given("cos2", "s", 8), given("sin2", "s", 8))
    yield "rotary_mixed_batch", plain(x(), cos, given("sin1", 1, 1, "s", 8))
    v = x()
    yield "rotary_first_half", cat(plain(v[:4], half, other), v[4:])
    v = x()
    yield "rotary_halves", halves(v[:4], v[4:], half, other)
    v = x()
    a, b = v[:4], v[4:]
    yield "rotary_halves_swapped", cat(sub(mul(half, a), mul(other, b)), add(mul(other, a), mul(half, b)))
    v = reshape(x(), 0, 0, 0, 4, 2)
    pairs = [reshape(c, 0, 1, -1, 4, 1) if c.value.size else node("Reshape", c.value[..., None], c, constant([0, 1, 0, 4, 1])) for c in (half, other)]
    yield "rotary_pairs", halves(v[:1], v[1:], *pairs)
    # As many positions as heads: where the caches have one element says which is which.
    square = neg(given("square", 2, 4, 4, 8))
    yield "rotary_square", plain(square, given("cosq", 2, 1, 4, 8), given("sinq", 2, 1, 4, 8))
    square = neg(given("square", 2, 4, 4, 8))
    yield "rotary_square_behind", plain(square, given("cosr", 2, 4, 1, 8), given("sinr", 2, 4, 1, 8))
    yield "not_minus_on_the_first", add(mul(x(), cos), mul(cat(x()[4:], neg(x()[:4])), sin))
    v = x()
    yield "not_in_order", add(mul(v, cos), mul(cat(v[:4], neg(v[4:])), sin))
    yield "not_halves", plain(x(), at=3)
    yield "not_negated", plain(x(), minus=lambda v: v)
    yield "not_the_same", add(mul(x(), cos), mul(turned(neg(x())), sin))
    v = x()
    yield "not_a_sum", sub(mul(v, cos), mul(turned(v), sin))
    yield "not_shared_by_heads", plain(x(), given("cosh", "b", 4, "s", 8), given("sinh", "b", 4, "s", 8))
    yield "not_by_position", plain(x(), given("cosp", "b", 1, 1, 8), given("sinp", "b", 1, 1, 8))
    yield "not_by_column", plain(x(), given("cosc", "b", 1, "s", 1), given("sinc", "b", 1, "s", 1))
    yield "not_two_layouts", plain(neg(given("square", 2, 4, 4, 8)), given("cosq", 2, 1, 4, 8), given("sinr", 2, 4, 1, 8))
    yield "not_stretched", plain(neg(given("single", 1, 4, "s", 8)))
    v = x()
    a, b = v[:4], v[4:]
    yield "not_second_straight", cat(sub(mul(a, half), mul(b, other)), add(mul(a, half), mul(b, other)))
    v = x()
    yield "not_first_plus", halves(v[:4], v[4:], half, other, first=add)
    v = x()
    yield "not_second_minus", halves(v[:4], v[4:], half, other, second=sub)
    v = x()
    yield "not_joined_by_heads", halves(v[:4], v[4:], half, other, join=lambda *h: cat(*h, axis=1))
    v = x()
    a, b = v[:4], v[4:]
    yield "not_two_sines", cat(sub(mul(a, half), mul(b, other)), add(mul(b, half), mul(a, neg(other))))
    v = x()
    yield "not_overlapping", halves(v[:4], v[3:7], half, other)
    v = x()
    yield "not_neighbours_to_halves", halves(v[::2], v[1::2], half, other)
    v = x()
    part = turned(v)
    yield "not_read_once", add(mul(v, cos), mul(part, sin))
    yield "not_read_twice", neg(part)


def fused():
    """com.microsoft.RotaryEmbedding: positions in any order, neighbours, part of the head, heads behind each other."""
    table = lambda f: constant(f(np.outer(np.arange(40), 10.0 ** -np.arange(4))).astype(np.float32))
    cosines, sines = table(np.cos), table(np.sin)
    if "positions" not in inputs:
        ids = rng.integers(0, 40, (sizes["b"], sizes["s"]))
        inputs["positions"] = (("b", "s"), Tensor("positions", ids))
    ids = inputs["positions"][1]

    def turn(x, heads_behind=False, interleaved=0, part=0):
        v = x.value.reshape(x.value.shape[0], -1, 4, 8) if heads_behind else x.value.swapaxes(1, 2)
        rows = (t.value[ids.value][:, :, None, :(part or 8) // 2] for t in (cosines, sines))
        c, s = rows
        size = part or 8
        first, second = (slice(0, size, 2), slice(1, size, 2)) if interleaved else (slice(0, size // 2), slice(size // 2, size))
        y = v.copy()
        y[..., first], y[..., second] = v[..., first] * c - v[..., second] * s, v[..., second] * c + v[..., first] * s
        y = y.reshape(x.value.shape) if heads_behind else y.swapaxes(1, 2)
        tables = [constant(t.value[:, :size // 2]) for t in (cosines, sines)]
        return node("RotaryEmbedding", y, x, ids, *tables, domain="com.microsoft", interleaved=interleaved,
                    **(dict(num_heads=4, rotary_embedding_dim=part) if part or heads_behind else {}))
    x, flat = given("x", "b", 4, "s", 8), given("flat", "b", "s", 32)
    yield "rotary_fused", turn(x)
    yield "rotary_fused_neighbours", turn(x, interleaved=1)
    yield "rotary_fused_flat", turn(flat, heads_behind=True)
    yield "rotary_fused_flat_part", turn(flat, heads_behind=True, part=6)
    yield "rotary_fused_flat_part_neighbours", turn(flat, heads_behind=True, interleaved=1, part=4)


def layer_norm():
    scale, shift = constant(np.linspace(.5, 2, 8)), constant(np.linspace(-1, 1, 8))
    x = lambda: neg(given("y", "b", "s", 8))
    power = lambda v: mean(square(v))

    def norm(v, center=mean, variance=power, epsilon=1e-3, by=scale, shift=shift):
        centred = sub(v, center(v))
        y = div(centred, root(add(variance(centred), constant(epsilon))))
        return add(mul(y, by), shift)
    yield "layer_plain", norm(x())
    yield "layer_scalar_scale", norm(x(), by=constant(2.0))
    yield "not_centred_along_rows", norm(x(), center=lambda v: mean(v, 2 if len(v.value.shape) == 4 else 0))
    yield "not_by_its_mean", norm(x(), center=lambda v: mean(neg(v)))
    yield "not_by_half_its_mean", norm(x(), center=lambda v: mul(mean(v), constant(0.5)))
    v = x()
    centred = sub(v, mean(v))
    yield "not_the_variance_of_the_centred", add(mul(div(centred, root(add(power(v), constant(1e-3)))), scale), shift)
    yield "not_the_uncentred", add(mul(div(v, root(add(power(centred), constant(1e-3)))), scale), shift)
    v = x()
    yield "not_reversed", add(mul(div(sub(mean(v), v), root(add(power(sub(v, mean(v))), constant(1e-3)))), scale), shift)
    yield "not_variance_along_rows", norm(x(), variance=lambda c: mean(square(c), 0))
    yield "not_unbiased", norm(x(), variance=lambda c: mul(power(c), constant(8 / 7)))
    yield "not_a_norm_of_columns", norm(x(), variance=lambda c: mean(square(c[:4])))
    yield "not_scaled_by_rows", norm(x(), by=given("rows", "b", "s", 1))
    yield "not_shifted_by_rows", norm(x(), shift=given("rows", "b", "s", 1))
    v = x()
    yield "not_subtracted", sub(mul(div(sub(v, mean(v)), root(add(power(sub(v, mean(v))), constant(1e-3)))), scale), shift)


def build():
    global sizes
    for case, (b, s) in CASES.items():
        sizes = {"b": b, "s": s}
        for kept in (nodes, inits, inputs, results):
            kept.clear()
        for name, tensor in [*rotary(), *fused(), *layer_norm()]:
            nodes.append(helper.make_node("Identity", [tensor.name], [name], name=name))
            results[name] = tensor.value
        for side, arrays in (("in", {k: v.value for k, (_, v) in inputs.items()}), ("out", results)):
            (folder / case / side).mkdir(parents=True)
            for name, array in arrays.items():
                np.save(folder / case / side / f"{name}.npy", array)
    infos = [helper.make_tensor_value_info(k, TensorProto.INT64 if v.value.dtype.kind == "i" else TensorProto.FLOAT, list(dims)) for k, (dims, v) in inputs.items()]
    outs = [helper.make_tensor_value_info(k, TensorProto.FLOAT, None) for k in results]
    model = helper.make_model(helper.make_graph(nodes, "near-dense", infos, outs, inits), opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)], ir_version=8)
    save(model, folder / "model.onnx")


if len(sys.argv) == 2:
    build()
else:
    count = 0
    for file in sorted(folder.glob("*/out/*.npy")):
        want, got = np.load(file), np.load(file.parents[1] / "got" / file.name)
        count += 1
        if want.shape != got.shape or not np.allclose(got, want, 1e-5, 1e-5):
            print(f"{file}: {want.shape} {got.shape}, largest difference {np.abs(want - got).max(initial=0)}")
    print(f"compared {count}")
