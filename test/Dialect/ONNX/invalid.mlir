// RUN: moe-opt %s -split-input-file -verify-diagnostics

func.func @no_operator() {
  // expected-error @+1 {{'onnx.node' op needs an operator name}}
  %0 = onnx.node "" () {domain = "", name = "x", version = 20 : i64, node_attrs = {}} : () -> !onnx.value
  return
}

// -----

func.func @version() {
  // expected-error @+1 {{'onnx.node' op needs an opset version of at least 1, has 0}}
  %0 = onnx.node "Add" () {domain = "", name = "x", version = 0 : i64, node_attrs = {}} : () -> !onnx.value
  return
}

// -----

func.func @bodies(%c: tensor<i1>) {
  // expected-error @+1 {{'onnx.node' op has 1 bodies but 0 body names}}
  onnx.node "If" (%c) {domain = "", name = "x", version = 20 : i64, node_attrs = {}} bodies {
    onnx.yield
  } : (tensor<i1>) -> ()
  return
}

// -----

func.func @shape_value_count() {
  // expected-error @+1 {{'onnx.node' op has 2 shape values for 1 results}}
  %0 = onnx.node "Shape" () {domain = "", name = "x", version = 20 : i64, node_attrs = {}, shape_values = [unit, unit]} : () -> !onnx.value
  return
}

// -----

func.func @shape_value_kind() {
  // expected-error @+1 {{'onnx.node' op shape values must be affine maps or unit}}
  %0 = onnx.node "Shape" () {domain = "", name = "x", version = 20 : i64, node_attrs = {}, shape_values = ["s0"]} : () -> !onnx.value
  return
}

// -----

func.func @missing_attribute() {
  // expected-error @+1 {{'onnx.node' op requires attribute 'domain'}}
  %0 = onnx.node "Add" () {name = "x", version = 20 : i64, node_attrs = {}} : () -> !onnx.value
  return
}

// -----

func.func @constant_type() {
  // expected-error @+1 {{'onnx.constant' op failed to verify that all of {value, result} have same type}}
  %0 = "onnx.constant"() {value = dense<1> : tensor<2xi64>} : () -> tensor<3xi64>
  return
}

// -----

func.func @constant_kind() {
  // expected-error @+1 {{'onnx.constant' op result #0 must be ranked tensor of any type values, but got 'vector<2xi64>'}}
  %0 = onnx.constant dense<1> : vector<2xi64>
  return
}

// -----

func.func @yield(%x: tensor<i1>) {
  // expected-error @+1 {{'onnx.yield' op expects parent op 'onnx.node'}}
  onnx.yield %x : tensor<i1>
}
