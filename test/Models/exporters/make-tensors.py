"""usage: make-tensors.py MODEL CASE: writes MODEL/tensors.npz, what onnxruntime computes for every
tensor of the graph on a case of cases.npz (CASE/NAME). Needs onnx and onnxruntime."""
import sys
from pathlib import Path
import numpy as np
import onnx
import onnxruntime

folder, case = Path(sys.argv[1]), sys.argv[2]
model = onnx.load(folder / "model.onnx")
outputs = {output.name for output in model.graph.output}
for node in model.graph.node:
    for name in node.output:
        if name and name not in outputs:
            outputs.add(name)
            model.graph.output.append(onnx.ValueInfoProto(name=name))
options = onnxruntime.SessionOptions()
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
cases = np.load(folder / "cases.npz")
values = session.run(None, {i.name: cases[f"{case}/in/{i.name}"] for i in session.get_inputs()})
np.savez_compressed(folder / "tensors.npz", **{f"{case}/{o.name}": value for o, value in zip(session.get_outputs(), values)})
