// RUN: moe-opt %s --cpu-expand-math | FileCheck %s

// CHECK-LABEL: func.func @functions
// CHECK-NOT: math.{{exp|sin|cos|tanh|erf|log|powf}}
// CHECK: return
func.func @functions(%x: f32, %v: vector<8xf32>) -> (f32, vector<8xf32>) {
  %a = math.exp %x : f32
  %b = math.sin %a : f32
  %c = math.cos %b : f32
  %d = math.tanh %c : f32
  %e = math.erf %d : f32
  %f = math.log %e : f32
  %g = math.powf %f, %x : f32
  %h = math.exp %v : vector<8xf32>
  return %g, %h : f32, vector<8xf32>
}
