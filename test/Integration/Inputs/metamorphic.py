"""usage: metamorphic.py MOE_COMPILE MODEL.onnx LAYERS TEMP

Changes that keep a model's meaning must not keep it from being raised: other
names, commuted operands, identities and casts in between, constants of their own.
Near misses must not be raised, and the report names the node that broke the match."""
import copy, json, random, subprocess, sys
import onnx
from onnx import helper

compiler, source, layers, temp = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
original = onnx.load(source)


def raised(model, label):
    path, report = f"{temp}/{label}.onnx", f"{temp}/{label}.json"
    onnx.save(model, path)
    run = subprocess.run([compiler, path, "--emit=moe", f"--report={report}"], capture_output=True, text=True)
    assert run.returncode == 0, (label, run.stderr[-500:])
    found = json.load(open(report))
    return len(found["moe_layers"]), found["unraised"]


def rename(model):
    """All names of values and nodes but those of the interface."""
    keep = {v.name for v in list(model.graph.input) + list(model.graph.output)}
    names = {}
    new = lambda n: n if n in keep or not n else names.setdefault(n, f"v{len(names)}")
    for i in model.graph.initializer:
        i.name = new(i.name)
    for number, n in enumerate(model.graph.node):
        n.name = f"n{number}"
        n.input[:] = [new(x) for x in n.input]
        n.output[:] = [new(x) for x in n.output]
    del model.graph.value_info[:]


def commute(model):
    for n in model.graph.node:
        if n.op_type in ("Add", "Mul"):
            n.input[:] = reversed(n.input)


def insert(op, **attributes):
    def change(model):
        chosen, nodes = random.Random(1), []
        outputs = {v.name for v in model.graph.output}
        for n in model.graph.node:
            nodes.append(n)
            for o, name in enumerate(n.output):
                if name and name not in outputs and chosen.random() < 0.3 and n.op_type in (
                        "Mul", "MatMul", "Sigmoid", "Softmax", "Split", "Slice", "Transpose", "Add"):
                    inner = name + "_inner"
                    n.output[o] = inner
                    nodes.append(helper.make_node(op, [inner], [name], name=inner, **attributes))
        del model.graph.node[:]
        model.graph.node.extend(nodes)
        del model.graph.value_info[:]
    return change


def own_constants(model):
    """Each use of a small integer constant gets one of its own."""
    small = {i.name: i for i in model.graph.initializer if i.data_type == 7}
    for number, n in enumerate(model.graph.node):
        for k, name in enumerate(n.input):
            if name in small:
                own = copy.deepcopy(small[name])
                own.name = n.input[k] = f"own_{number}_{k}"
                model.graph.initializer.append(own)


for label, change in {"plain": lambda m: None, "rename": rename, "commute": commute,
                      "identity": insert("Identity"), "cast": insert("Cast", to=1), "constants": own_constants}.items():
    model = copy.deepcopy(original)
    change(model)
    count, _ = raised(model, label)
    assert count == layers, (label, count)


def replace(op, new, **attributes):
    def change(model):
        for n in model.graph.node:
            if n.op_type == op:
                n.op_type = new
                del n.attribute[:]
                n.attribute.extend(helper.make_attribute(k, v) for k, v in attributes.items())
    return change


def attribute(op, name, value):
    def change(model):
        for n in model.graph.node:
            if n.op_type == op:
                kept = [a for a in n.attribute if a.name != name]
                del n.attribute[:]
                n.attribute.extend(kept + [helper.make_attribute(name, value)])
    return change


for label, change in {"another-activation": replace("Sigmoid", "Tanh"),
                      "scatter-adds": attribute("ScatterElements", "reduction", "add"),
                      "max-instead-of-sum": replace("ReduceSum", "ReduceMax", keepdims=0)}.items():
    model = copy.deepcopy(original)
    change(model)
    count, unraised = raised(model, label)
    assert count == 0, (label, count)
    if label != "max-instead-of-sum":
        assert len(unraised) == layers and all("'" in u["reason"] for u in unraised), (label, unraised)
# The smallest instead of the largest is still sparse, but no softmax-top-k router.
model = copy.deepcopy(original)
attribute("TopK", "largest", 0)(model)
count, _ = raised(model, "smallest")
routers = {layer["router"] for layer in json.load(open(f"{temp}/smallest.json"))["moe_layers"]}
assert count == layers and routers == {"routing-from"}, (count, routers)
print("holds")
