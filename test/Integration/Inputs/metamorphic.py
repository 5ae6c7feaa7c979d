"""usage: metamorphic.py MODEL.onnx LAYERS TEMP [CASES]

Changes that keep a model's meaning must not keep it from being raised, nor change what it
computes (CASES): other names, commuted operands, nodes in another order, identities and casts in
between, constants of their own or shared. Tools are looked up on the path."""
import copy, json, os, random, shutil, subprocess, sys
import onnx
from onnx import helper, numpy_helper, shape_inference

source, layers, temp = sys.argv[1], int(sys.argv[2]), sys.argv[3]
cases = sys.argv[4] if len(sys.argv) > 4 else None
original = onnx.load(source, load_external_data=False)
if os.path.exists(source + ".data"):
    shutil.copy(source + ".data", temp)


def check(model, label):
    path, report, compiled = f"{temp}/{label}.onnx", f"{temp}/{label}.json", f"{temp}/{label}.moe"
    onnx.save(model, path)
    output = ["-o", compiled, "--march=x86-64-v3"] if cases else ["--emit=moe"]
    run = subprocess.run(["moe-compile", path, f"--report={report}", *output], capture_output=True, text=True)
    assert run.returncode == 0, (label, run.stderr[-500:])
    found = json.load(open(report))
    assert len(found["moe_layers"]) == layers and not found["unraised"], (label, found["unraised"])
    for case in sorted(os.listdir(cases)) if cases else []:
        run = subprocess.run(["moe-run", compiled, f"--inputs={cases}/{case}/in", f"--expect-dir={cases}/{case}/out", "--rtol=1e-3",
                              "--atol=2e-4"], capture_output=True, text=True)
        assert run.returncode == 0, (label, case, run.stderr[-500:])


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


def reorder(model):
    """Another order of the nodes that the operands allow."""
    chosen, nodes = random.Random(2), list(model.graph.node)
    made = {i.name for i in list(model.graph.input) + list(model.graph.initializer)} | {""}
    del model.graph.node[:]
    while nodes:
        ready = [n for n in nodes[:40] if all(x in made for x in n.input)]
        node = chosen.choice(ready)
        nodes.remove(node)
        made.update(node.output)
        model.graph.node.append(node)


floats = {v.name for v in shape_inference.infer_shapes(original).graph.value_info if v.type.tensor_type.elem_type == 1} | {
    v.name for v in original.graph.value_info if v.type.tensor_type.elem_type == 1}


def produces_floats(node):
    return all(o in floats or not o for o in node.output)


def insert(op, **attributes):
    def change(model):
        chosen, nodes = random.Random(1), []
        outputs = {v.name for v in model.graph.output}
        for n in model.graph.node:
            nodes.append(n)
            for o, name in enumerate(n.output):
                if name and name not in outputs and chosen.random() < 0.3 and n.op_type in (
                        "Mul", "MatMul", "Sigmoid", "Softmax", "Split", "Slice", "Transpose", "Add", "Gather", "GatherND", "Reshape",
                        "Expand", "Tile", "ScatterElements", "ReduceSum", "Div", "Unsqueeze") and produces_floats(n):
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


def share_constants(model):
    """Equal small integer constants become one."""
    known, new = {}, {}
    for i in model.graph.initializer:
        if i.data_type == 7:
            new[i.name] = known.setdefault((tuple(i.dims), numpy_helper.to_array(i).tobytes()), i.name)
    for n in model.graph.node:
        n.input[:] = [new.get(x, x) for x in n.input]


for label, change in {"plain": lambda m: None, "rename": rename, "commute": commute, "reorder": reorder,
                      "identity": insert("Identity"), "cast": insert("Cast", to=1), "own": own_constants,
                      "share": share_constants}.items():
    changed = copy.deepcopy(original)
    change(changed)
    check(changed, label)
print("holds")
