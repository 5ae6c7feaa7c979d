"""usage: badnodes.py FILE: a model with one node for each way to be wrong."""
import sys

from onnx import TensorProto, helper, save

x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])
y = helper.make_tensor_value_info("y", TensorProto.UNDEFINED, None)


def node(op, inputs, name, domain="", **attributes):
    return helper.make_node(op, inputs, ["y" if name == "ln" else name], name=name, domain=domain, **attributes)


nodes = [node("LayerNormalization", ["x"], "ln"),
         node("Softmax", [], "sm"),
         node("TopK", ["x"], "tk"),
         node("Concat", ["x", "x"], "cc"),
         node("Cast", ["x"], "to", to=99),
         node("Gelu", ["x"], "ge", domain="com.microsoft", approximate="zork"),
         node("LayerNormalization", ["x", "x"], "ep", epsilon=1),
         node("Relu", ["x"] * 3, "re"),
         node("MoE", ["x"] * 10, "mo", domain="com.microsoft", k=1, activation_type=3)]
nodes[2].output.append("places")
save(helper.make_model(helper.make_graph(nodes, "g", [x], [y]), opset_imports=[
    helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]), sys.argv[1])
