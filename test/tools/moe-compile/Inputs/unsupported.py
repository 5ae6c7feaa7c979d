"""usage: unsupported.py FILE: a model with operators nobody supports."""
import sys
from onnx import TensorProto, helper, save

x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4, 4])
y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
nodes = [helper.make_node("Det", ["x"], ["d"], name="det"),
         helper.make_node("Own", ["d"], ["e"], name="own", domain="com.example"),
         helper.make_node("Own", ["e"], ["y"], name="again", domain="com.example")]
save(helper.make_model(helper.make_graph(nodes, "g", [x], [y]), opset_imports=[
    helper.make_opsetid("", 17), helper.make_opsetid("com.example", 1)]), sys.argv[1])
