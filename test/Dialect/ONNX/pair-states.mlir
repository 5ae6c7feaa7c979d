// RUN: moe-opt %s -onnx-pair-states | FileCheck %s

// A state grows along one dimension: an input whose other dimensions only
// happen to equal the output's is none.
// CHECK: func.func @main(%{{.*}}: {{.*}} {onnx.name = "state", onnx.state_axis = 0 : i64, onnx.state_output = 0 : i64}, %{{.*}}: tensor<?x?xf32, #{{[^ ]*}}> {onnx.name = "other"}, %{{.*}}: tensor<2x3xf32>)
#any = affine_map<()[s0, s1] -> (s0, s1)>
#in = affine_map<()[s0, s1] -> (s0, 3)>
#out = affine_map<()[s0, s1] -> (s0 + 2, 3)>
module attributes {onnx.equal_dims = [affine_map<()[s0, s1] -> (s1, 3)>], onnx.symbols = ["n", "m"]} {
func.func @main(%s: tensor<?x3xf32, #in> {onnx.name = "state"}, %o: tensor<?x?xf32, #any> {onnx.name = "other"}, %x: tensor<2x3xf32>)
    -> (tensor<?x3xf32, #out>, tensor<?x3xf32, #out>) {
  %a = onnx.node "Concat" (%s, %x) {domain = "", name = "a", node_attrs = {axis = 0 : i64}, version = 20 : i64}
    : (tensor<?x3xf32, #in>, tensor<2x3xf32>) -> tensor<?x3xf32, #out>
  %b = onnx.node "Concat" (%o, %x) {domain = "", name = "b", node_attrs = {axis = 0 : i64}, version = 20 : i64}
    : (tensor<?x?xf32, #any>, tensor<2x3xf32>) -> tensor<?x3xf32, #out>
  return %a, %b : tensor<?x3xf32, #out>, tensor<?x3xf32, #out>
}
}
