// RUN: moe-opt %s --cpu-bind-entry --split-input-file --verify-diagnostics

// expected-error @below {{there is no entry function @main}}
module {
}

// -----

// expected-error @below {{input 0 has unknown sizes}}
func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}

// -----

// expected-error @below {{input 0 has unknown sizes}}
func.func @main(%s: !pager.state<2x?x4xf32, axis = 1>, %new: tensor<2x1x4xf32>) {
  %all = pager.state_append %s, %new : !pager.state<2x?x4xf32, axis = 1>, tensor<2x1x4xf32> -> tensor<2x?x4xf32>
  return
}
