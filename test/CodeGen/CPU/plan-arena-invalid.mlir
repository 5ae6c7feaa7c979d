// RUN: moe-opt %s --cpu-plan-arena --verify-diagnostics

func.func @moe_run() -> i32 {
  // expected-error @below {{a buffer's size depends on this computation, which cannot run before the model does}}
  %b = memref.alloc() : memref<index>
  // expected-error @below {{a buffer's size depends on this computation, which cannot run before the model does}}
  %n = memref.load %b[] : memref<index>
  %a = memref.alloc(%n) : memref<?xf32>
  %ok = arith.constant 0 : i32
  return %ok : i32
}
