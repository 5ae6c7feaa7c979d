"""usage: near-dense.py FOLDER: rotary embeddings, layer normalizations and causal masks as
exporters write them, and changes that mean something else, each an output of one file,
with what numpy gives for every node. The names of outputs start with the node that they
become, or with `not`.
       near-dense.py FOLDER check: compares FOLDER/CASE/got with FOLDER/CASE/out."""
import sys
from pathlib import Path
import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

folder = Path(sys.argv[1])
CASES = {"some": (2, 5, 3), "one": (1, 1, 0), "none": (2, 0, 4), "long": (3, 17, 0)}
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
    value = np.asarray(value)
    return Tensor(name, value.astype(np.float32) if value.dtype.kind == "f" else value)


def constant(value):
    array = np.asarray(value)
    array = array.astype(np.float32 if array.dtype.kind == "f" else np.int64)
    inits.append(numpy_helper.from_array(array, f"c{len(inits)}"))
    return Tensor(f"c{len(inits) - 1}", array)


def constant_bool(value):
    inits.append(numpy_helper.from_array(np.asarray(value), f"c{len(inits)}"))
    return Tensor(f"c{len(inits) - 1}", np.asarray(value))


def given(name, *dims, kind="f"):
    if name not in inputs:
        shape = [sizes.get(d, d) for d in dims]
        value = rng.standard_normal(shape).astype(np.float32) if kind == "f" else rng.integers(0, 9, shape)
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
    table = lambda f: constant(f(np.outer(np.arange(9), 10.0 ** -np.arange(4))).astype(np.float32))
    cosines, sines = table(np.cos), table(np.sin)
    ids = given("positions", "b", "s", kind="i")

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


LOW = np.finfo(np.float32).min


def causal():
    k, v = given("k", "b", 2, "p + s", 4), given("v", "b", 2, "p + s", 4)
    numbers = iter(range(1, 100))

    def attend(mask, q="q", k=k, v=v):
        """With queries and a scale of its own."""
        q = mul(given(q, "b", 2, "s", 4), constant(0.1 * next(numbers)))
        keys = node("Transpose", k.value.swapaxes(2, 3), k, perm=[0, 1, 3, 2])
        scores = node("MatMul", q.value @ keys.value, q, keys)
        return soften(add(scores, mask), v)

    def soften(scores, v):
        x = scores.value.astype(np.float64)
        e = np.exp(x - x.max(-1, keepdims=True)) if x.size else x
        p = node("Softmax", e / e.sum(-1, keepdims=True), scores, axis=-1)
        return node("MatMul", p.value @ v.value, p, v)

    def size(x, axis):
        shape = node("Shape", np.array(x.value.shape), x)
        return node("Gather", np.array(x.value.shape[axis]), shape, constant(axis), axis=0)

    def positions(count, start=0, step=1, of=None):
        first = of or constant(start)
        last = add(first, mul(count, constant(step)))
        return node("Range", np.arange(first.value, last.value, step), first, last, constant(step))
    where = lambda c, a, b: node("Where", np.where(c.value, a.value, b.value), c, a, b)
    number = lambda f: lambda a, b: node(f[0], f[1](a.value, b.value), a, b)
    less_equal, less = number(("LessOrEqual", np.less_equal)), number(("Less", np.less))
    greater, both = number(("Greater", np.greater)), number(("And", np.logical_and))
    negate = lambda c: node("Not", ~c.value, c)
    to_float = lambda c: node("Cast", c.value.astype(np.float32), c, to=TensorProto.FLOAT)
    low, zero = constant(float(LOW)), constant(0.0)
    length, count, past = size(k, 2), size(given("q", "b", 2, "s", 4), 2), size(given("past", "p", 1), 0)
    cols = lambda **o: reshape(positions(length, **o), 1, 1, 1, -1) if length.value else positions(length, **o)
    column = lambda x: node("Unsqueeze", x.value[:, None], x, constant([1]))
    rows = lambda **o: column(positions(count, **o))
    seen = lambda: less_equal(cols(), rows(of=past))

    def triangle(x, upper, k=0):
        return node("Trilu", (np.triu if upper else np.tril)(x.value, k), x, constant(k), upper=upper)

    def filled(value, *shape):
        shape = node("Concat", np.array([s.value for s in shape]), *(node("Unsqueeze", s.value[None], s, constant([0])) for s in shape), axis=0)
        return node("Expand", np.full(shape.value, value, np.float32), constant(float(value)), shape)
    yield "causal_seen", attend(mul(to_float(negate(seen())), low))
    yield "causal_where", attend(where(seen(), zero, constant(-np.inf)))
    yield "causal_greater", attend(where(greater(cols(), rows(of=past)), low, zero))
    yield "causal_and_true", attend(where(both(constant_bool(True), seen()), zero, low))
    yield "causal_square", attend(triangle(filled(LOW, count, count), 1, 1), k=given("ks", "b", 2, "s", 4), v=given("vs", "b", 2, "s", 4))
    ks, vs = given("ks", "b", 2, "s", 4), given("vs", "b", 2, "s", 4)
    square = lambda m: attend(m, k=ks, v=vs)
    ones = lambda: filled(1.0, count, count)
    yield "causal_equal", square(where(number(("Equal", np.equal))(triangle(ones(), 0), zero), low, zero))
    twice = mul(triangle(filled(LOW, count, count), 1, 1), to_float(greater(positions(count), rows())))
    yield "causal_twice", square(node("Unsqueeze", twice.value[None, None], twice, constant([0, 1])))
    # Other diagonals are causal as well.
    yield "causal_strict", attend(where(less(cols(), rows(of=past)), zero, low))
    yield "causal_later", attend(where(less_equal(cols(start=1), rows(of=past)), zero, low))
    yield "causal_top_left", attend(where(less_equal(cols(), rows()), zero, low))
    yield "causal_wide", square(triangle(filled(LOW, count, count), 1, 3))
    yield "not_reversed_positions", attend(where(less_equal(rows(of=past), cols()), zero, low))
    yield "not_the_other_triangle", square(triangle(filled(LOW, count, count), 0, -1))
    yield "not_seen_hidden", attend(where(seen(), low, zero))
    window = both(seen(), greater(cols(), rows(start=-3)))
    yield "not_a_window", attend(where(window, zero, low))
    yield "not_by_columns", attend(where(less_equal(cols(), constant(2)), zero, low))
    yield "not_every_column", attend(where(less_equal(cols(step=2), rows(of=past)), zero, low))
    yield "not_two_diagonals", square(mul(triangle(filled(LOW, count, count), 1, 1), to_float(greater(positions(count), rows(start=2)))))
    yield "not_zero_where_seen", attend(where(seen(), constant(1.0), low))
    keep = given("keep", "b", 1, 1, "p + s")
    yield "not_with_padding", attend(where(both(seen(), greater(keep, zero)), zero, low))
    yield "not_of_an_input", attend(where(less_equal(cols(), given("ids", "s", 1, kind="i")), zero, low))
    yield "not_added_twice", attend(add(where(seen(), zero, low), keep))
    yield "not_a_difference", attend(where(less_equal(cols(), mul(rows(), constant(2))), zero, low))
    yield "not_between_two_sums", attend(where(less_equal(add(cols(), rows()), rows(of=past)), zero, low))
    yield "not_rows_in_columns", square(where(less_equal(positions(count), positions(count)), zero, low))


def build():
    global sizes
    for case, (b, s, p) in CASES.items():
        sizes = {"b": b, "s": s, "p": p, "p + s": p + s}
        for kept in (nodes, inits, inputs, results):
            kept.clear()
        for name, tensor in [*rotary(), *fused(), *layer_norm(), *causal()]:
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
