"""usage: make-loop-model.py FOLDER LAYERS EXPERTS [HIDDEN INTERMEDIATE K]: FOLDER/model.onnx with
a loop over all experts in every layer, unrolled as TorchScript exporters write it, about fifty nodes
for each expert; random weights in one file of external data."""
import sys
from pathlib import Path
import numpy as np
from onnx import TensorProto, helper, numpy_helper

folder = Path(sys.argv[1])
layers, experts = int(sys.argv[2]), int(sys.argv[3])
hidden, inner, k = (int(x) for x in (sys.argv[4:] + ["16", "8", "2"][len(sys.argv) - 4:]))
folder.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(1)
model = helper.make_model(helper.make_graph([], "loop", [], []), opset_imports=[helper.make_opsetid("", 18)])
model.ir_version = 9
graph, data, count = model.graph, open(folder / "model.data", "wb"), 0


def node(op, inputs, outputs=1, **attributes):
    global count
    count += 1
    names = [f"{op}_{count}_{i}" for i in range(outputs)]
    n = graph.node.add()
    n.op_type, n.name = op, f"{op}_{count}"
    n.input.extend(inputs)
    n.output.extend(names)
    n.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
    return names[0] if outputs == 1 else names


def constant(value):
    array = np.asarray(value, np.int64 if np.asarray(value).dtype.kind == "i" else np.float32)
    return node("Constant", [], value=numpy_helper.from_array(array))


def weight(*shape):
    tensor = graph.initializer.add()
    tensor.name, tensor.data_type = f"w{len(graph.initializer)}", TensorProto.FLOAT
    tensor.dims.extend(shape)
    array = (rng.standard_normal(shape) / np.sqrt(shape[0])).astype(np.float32)
    for key, value in ("location", "model.data"), ("offset", str(data.tell())), ("length", str(array.nbytes)):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    tensor.data_location = TensorProto.EXTERNAL
    data.write(array.tobytes())
    return tensor.name


def expert(e, mask, rows, row_shape, weights, total):
    """The tokens that chose expert e, through its matrices, added to the total."""
    chosen = node("NonZero", [node("Cast", [node("Gather", [mask, constant(e)], axis=0)], to=TensorProto.BOOL)])
    choice, token = node("Split", [node("Transpose", [chosen], perm=[1, 0]), constant([1, 1])], 2, axis=1)
    choice, token = (node("Squeeze", [x, constant([1])]) for x in (choice, token))
    x = node("Reshape", [node("Gather", [rows, token], axis=1), row_shape])
    gate = node("MatMul", [x, weight(hidden, inner)])
    gate = node("Mul", [gate, node("Sigmoid", [gate])])
    y = node("MatMul", [node("Mul", [gate, node("MatMul", [x, weight(hidden, inner)])]), weight(inner, hidden)])
    column = node("Unsqueeze", [weights, constant([2])])
    shape = node("Shape", [column])
    width, last = (node("Gather", [shape, constant(i)], axis=0) for i in (1, [2]))
    place = node("Add", [choice, node("Mul", [token, width])])
    w = node("Gather", [node("Flatten", [column], axis=2), place], axis=0)
    w = node("Reshape", [w, node("Concat", [constant([-1]), last], axis=0)])
    w = node("Reshape", [w, node("Concat", [node("Shape", [place]), last], axis=0)])
    y = node("Cast", [node("Mul", [y, w])], to=TensorProto.FLOAT)
    target = node("Slice", [total, constant([0, 0]), constant([1, 2**63 - 1]), constant([0, 1])])
    node("Expand", [y, node("Shape", [target])])
    index = node("Expand", [node("Unsqueeze", [token, constant([1])]), node("Shape", [y])])
    zeros = node("ConstantOfShape", [node("Shape", [total])], value=numpy_helper.from_array(np.zeros(1, np.float32)))
    return node("Add", [total, node("ScatterElements", [zeros, index, y], axis=0)])


def layer(x):
    square = node("ReduceMean", [node("Pow", [x, constant(2.0)]), constant([-1])], keepdims=1)
    root = node("Sqrt", [node("Add", [square, constant(1e-6)])])
    normed = node("Mul", [weight(hidden), node("Mul", [x, node("Div", [constant(1.0), root])])])
    tokens = node("Reshape", [normed, constant([-1, hidden])])
    scores = node("Softmax", [node("MatMul", [tokens, weight(hidden, experts)])], axis=1)
    values, ids = node("TopK", [scores, constant([k])], 2, axis=1)
    values = node("Div", [values, node("ReduceSum", [values, constant([-1])], keepdims=1)])
    mask = node("Transpose", [node("OneHot", [ids, constant(experts), constant([0, 1])])], perm=[2, 1, 0])
    total = node("ConstantOfShape", [node("Shape", [tokens])], value=numpy_helper.from_array(np.zeros(1, np.float32)))
    rows, shape = node("Unsqueeze", [tokens, constant([0])]), constant([-1, hidden])
    for e in range(experts):
        total = expert(e, mask, rows, shape, values, total)
    return node("Add", [x, node("Reshape", [total, node("Shape", [x])])])


x = "x"
for _ in range(layers):
    x = layer(x)
node("Identity", [x])
graph.node[-1].output[0] = "y"
graph.input.append(helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "sequence", hidden]))
graph.output.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", "sequence", hidden]))
(folder / "model.onnx").write_bytes(model.SerializeToString())
print(len(graph.node), "nodes")
