# What every lit test sees: our tools, LLVM's, and features found by probing.
import os
import lit.formats

config.name = "MoE"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "Models"]
config.test_source_root = os.path.dirname(__file__)
config.environment["PATH"] = os.pathsep.join(
    [config.moe_tools, config.llvm_tools, os.environ.get("PATH", "")])
config.environment["FILECHECK_OPTS"] = "-enable-var-scope --allow-unused-prefixes=false"
config.substitutions.append(("%source", config.moe_source))
config.substitutions.append(("%models", os.path.join(config.test_source_root, "Models")))

flags = open("/proc/cpuinfo").read().split()
if "avx512f" in flags:
    config.available_features.add("avx512")
try:
    import numpy
    import onnx
    config.available_features.add("python-onnx")
except ImportError:
    pass
