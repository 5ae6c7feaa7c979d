// RUN: moe-opt %s --cpu-bind-entry --split-input-file --verify-diagnostics

// expected-error @below {{there is no entry function @main}}
module {
}

// -----

// expected-error @below {{input 0 has unknown sizes}}
func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}
