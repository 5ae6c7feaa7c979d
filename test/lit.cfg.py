# What every lit test sees: our tools, LLVM's, and features found by probing.
import os
import stat
import subprocess
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
config.substitutions.append(("%cc", config.c_compiler))
config.substitutions.append(("%moe_lib", config.moe_libs))
config.substitutions.append(("%models", os.path.join(config.test_source_root, "Models")))

flags = open("/proc/cpuinfo").read().split()
if "avx512f" in flags:
    config.available_features.add("avx512")
# Some containers have none.
if os.path.exists("/dev/full") and stat.S_ISCHR(os.stat("/dev/full").st_mode):
    config.available_features.add("full-device")
# Generators of models need onnx and numpy, which not every python3 has.
for python in ["/usr/bin/python3", "python3"]:
    probe = subprocess.run([python, "-c", "import numpy, onnx"], capture_output=True)
    if probe.returncode == 0:
        config.available_features.add("python-onnx")
        config.substitutions.append(("%python-onnx", python))
        break
