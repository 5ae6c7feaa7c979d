"""usage: near-misses.py MOE_COMPILE MODEL.onnx LAYERS TEMP dense|batched|loop

Changes to the first layer that look like the pattern but mean something else. It must not be
raised (the others still are), or stay right: experts behind a router that is only taken as it is.
The changed models stay in TEMP, for a comparison with another runtime."""
import copy, json, subprocess, sys
import numpy as np
import onnx
from onnx import helper, numpy_helper

compiler, source, layers, temp, pattern = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5]
original = onnx.load(source)


class Graph:
    def __init__(self):
        self.model = copy.deepcopy(original)
        self.graph = self.model.graph
        del self.graph.value_info[:]

    def producer(self, name):
        return next(n for n in self.graph.node if name in n.output)

    def users(self, name):
        return [n for n in self.graph.node if name in n.input]

    def walk(self, start, *ops):
        """Follows the first user of each kind of operator, through reshapes."""
        for op in ops:
            start = self.next(start, op)
        return start

    def next(self, node, op):
        queue = [node]
        while queue:
            for user in [u for o in queue.pop(0).output for u in self.users(o)]:
                if user.op_type == op:
                    return user
                if user.op_type in ("Reshape", "Unsqueeze", "Squeeze", "Split", "Cast", "Transpose"):
                    queue.append(user)
        raise LookupError(op)

    def insert(self, op, inputs, before, **attributes):
        """A node whose result is returned; it comes right before the one given."""
        name = f"near_miss_{len(self.graph.node)}"
        node = helper.make_node(op, inputs, [name], name=name, **attributes)
        at = next(i for i, n in enumerate(self.graph.node) if n is before or n.output == before.output)
        self.graph.node.insert(at, node)
        return name

    def constant(self, value, dtype=np.float32):
        name = f"near_miss_c{len(self.graph.initializer)}"
        self.graph.initializer.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def change_input(self, node, index, op, *more, **attributes):
        """Puts `op` in front of one input."""
        node.input[index] = self.insert(op, [node.input[index], *more], node, **attributes)


def retype(node, op, **attributes):
    node.op_type = op
    del node.attribute[:]
    node.attribute.extend(helper.make_attribute(k, v) for k, v in attributes.items())


def smallest(g):
    retype(first(g, "TopK"), "TopK", axis=-1, largest=0, sorted=1)


def first(g, op):
    return next(n for n in g.graph.node if n.op_type == op)


def dense():
    silu = lambda g: first(g, "Sigmoid")
    up = lambda g: g.walk(silu(g), "Mul", "Mul")
    combine = lambda g: g.walk(up(g), "MatMul", "Mul")
    scatter = lambda g: first(g, "ScatterElements")
    total = lambda g: g.next(combine(g), "ReduceSum")
    other = lambda node, inner: 1 if inner.output[0] == node.input[0] else 0
    return {
        "another activation": lambda g: retype(silu(g), "Tanh"),
        "a scaled sigmoid": lambda g: g.change_input(silu(g), 0, "Mul", g.constant(1.702)),
        "an offset of up": lambda g: g.change_input(up(g), other(up(g), g.next(silu(g), "Mul")), "Add", g.constant(1)),
        "a difference in the gate": lambda g: retype(up(g), "Sub"),
        "a maximum instead of the sum": lambda g: retype(total(g), "ReduceMax", keepdims=0),
        "something else in the sum": lambda g: g.change_input(total(g), 0, "Add", g.constant(0.5)),
        "the square of each product": lambda g: g.change_input(total(g), 0, "Mul", total(g).input[0]),
        "a factor on the product": lambda g: g.change_input(combine(g), 0, "Mul", g.constant(2)),
        "a sum of weight and product": lambda g: retype(combine(g), "Add"),
        "combine weights that add up": lambda g: retype(scatter(g), "ScatterElements", axis=1, reduction="add"),
        "combine weights on other than zeros": lambda g: g.change_input(scatter(g), 0, "Add", g.constant(0.1)),
        "other ids than the chosen": lambda g: g.change_input(scatter(g), 1, "Neg"),
    }, {
        "the smallest": smallest,
        "weights that are rooted": lambda g: g.change_input(scatter(g), 2, "Sqrt"),
    }


def batched():
    gathers = lambda g: [n for n in g.graph.node if n.op_type == "GatherND"][:2]
    combine = lambda g: g.walk(gathers(g)[1], "MatMul", "Mul")
    total = lambda g: g.next(combine(g), "ReduceSum")
    silu = lambda g: first(g, "Sigmoid")
    up = lambda g: g.walk(silu(g), "Mul", "Mul")
    other = lambda node, inner: 1 if inner.output[0] == node.input[0] else 0
    return {
        "another activation": lambda g: retype(silu(g), "Tanh"),
        "a scaled sigmoid": lambda g: g.change_input(silu(g), 0, "Mul", g.constant(1.702)),
        "an offset of up": lambda g: g.change_input(up(g), other(up(g), g.next(silu(g), "Mul")), "Add", g.constant(1)),
        "a maximum instead of the sum": lambda g: retype(total(g), "ReduceMax", keepdims=0),
        "something else in the sum": lambda g: g.change_input(total(g), 0, "Add", g.constant(0.5)),
        "the square of each product": lambda g: g.change_input(total(g), 0, "Mul", total(g).input[0]),
        "another expert's second matrix": lambda g: g.change_input(gathers(g)[1], 1, "Sub", gathers(g)[1].input[1]),
        "a factor on the second product": lambda g: g.change_input(combine(g), 0, "Mul", g.constant(2)),
        "a sum of weight and product": lambda g: retype(combine(g), "Add"),
        "a difference in the gate": lambda g: retype(up(g), "Sub"),
        "tokens that are negated": lambda g: g.change_input(g.next(gathers(g)[0], "MatMul"), 1, "Neg"),
        "matrices that are negated": lambda g: g.change_input(g.next(gathers(g)[0], "MatMul"), 0, "Neg"),
    }, {
        "weights that are rooted": lambda g: g.change_input(combine(g), 1, "Sqrt"),
        "the smallest": smallest,
        "scores over the tokens": lambda g: retype(g.producer(first(g, "TopK").input[0]), "Softmax", axis=0),
    }


def loop():
    nonzeros = lambda g: [n for n in g.graph.node if n.op_type == "NonZero"]
    scatters = lambda g: [n for n in g.graph.node if n.op_type == "ScatterElements"]
    silu = lambda g: first(g, "Sigmoid")
    product = lambda g: g.walk(silu(g), "Mul", "Mul", "MatMul", "Mul")
    add = lambda g: g.next(scatters(g)[0], "Add")
    rows = lambda g: g.next(nonzeros(g)[0], "Gather")

    def swap(g):
        split = g.next(nonzeros(g)[0], "Split")
        split.output[0], split.output[1] = split.output[1], split.output[0]

    def same_expert(g):
        masks = [g.producer(g.producer(n.input[0]).input[0]) for n in nonzeros(g)[:2]]
        masks[1].input[1] = masks[0].input[1]

    def other_scale(g):
        place = g.producer(next(n for n in g.graph.node if n.op_type == "Gather" and n.input[1] == g.next(
            nonzeros(g)[0], "Add").output[0]).input[1])
        scaled = next(g.producer(i) for i in place.input if g.producer(i).op_type == "Mul")
        scaled.input[1] = g.constant(1, np.int64)

    return {
        "another activation in one expert": lambda g: retype(silu(g), "Tanh"),
        "a scaled sigmoid in one expert": lambda g: g.change_input(silu(g), 0, "Mul", g.constant(1.702)),
        "a factor in one expert": lambda g: g.change_input(product(g), 0, "Mul", g.constant(2)),
        "an offset in one expert": lambda g: g.change_input(product(g), 0, "Add", g.constant(0.25)),
        "no weight in one expert": lambda g: retype(product(g), "Add"),
        "tokens and choices exchanged": swap,
        "an expert twice, another never": same_expert,
        "weights of other choices": other_scale,
        "an expert that is taken off": lambda g: retype(add(g), "Sub"),
        "an expert into more than zeros": lambda g: g.change_input(scatters(g)[0], 0, "Add", g.constant(1)),
        "a maximum instead of writing": lambda g: scatters(g)[0].attribute.append(helper.make_attribute("reduction", "max")),
        "a mask turned around": lambda g: g.change_input(nonzeros(g)[0], 0, "Not"),
        "a mask with other values": lambda g: first(g, "OneHot").input.__setitem__(2, g.constant([1, 0], np.int64)),
        "tokens that are negated": lambda g: g.change_input(rows(g), 0, "Neg"),
    }, {
        "the smallest": smallest,
        "scores over the tokens": lambda g: retype(g.producer(first(g, "TopK").input[0]), "Softmax", axis=0),
    }


def report(graph, label):
    path = f"{temp}/{label.replace(' ', '-')}.onnx"
    onnx.save(graph.model, path)
    run = subprocess.run([compiler, path, "--emit=moe", f"--report={temp}/report.json"], capture_output=True, text=True)
    assert run.returncode == 0, (label, run.stderr[-500:])
    return json.load(open(f"{temp}/report.json"))


unraised, right = {"dense": dense, "batched": batched, "loop": loop}[pattern]()
for label, change in unraised.items():
    graph = Graph()
    change(graph)
    found = report(graph, label)
    assert len(found["moe_layers"]) == layers - 1, (label, found["moe_layers"], found["unraised"])
for label, change in right.items():
    graph = Graph()
    change(graph)
    routers = sorted(layer["router"] for layer in report(graph, label)["moe_layers"])
    assert routers == ["routing-from"] + ["softmax-topk"] * (layers - 1), (label, routers)
print(len(unraised) + len(right), "near misses hold")
