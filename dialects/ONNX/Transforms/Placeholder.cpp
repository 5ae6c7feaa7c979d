// dialects/ONNX/Transforms
