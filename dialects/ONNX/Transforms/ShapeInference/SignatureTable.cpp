//===- SignatureTable.cpp - The operators' signatures ---------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/ONNX/Transforms/ShapeInference/Signatures.h"

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::onnx;

// Versions that differ in what is optional or in types that nobody confuses
// share a row.
// clang-format off
static constexpr SignatureRow kRows[] = {
    // Element by element.
    {"", "Exp Log Sqrt Reciprocal Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh "
         "Acosh Atanh Tanh Sigmoid Softplus Softsign Floor Ceil Round "
         "HardSwish Mish", 1, "X:F", "Y", ""},
    {"", "Relu Sign Neg Abs Erf", 1, "X:N", "Y", ""},
    {"", "BitwiseNot", 1, "X:Z", "Y", ""},
    {"", "Not", 1, "X:B", "Y", ""},
    {"", "Gelu", 1, "X:F", "Y", "approximate:string(none|tanh)"},
    {"", "Clip", 1, "input:N", "output", "min:float max:float"},
    {"", "Clip", 11, "input:N min:N? max:N?", "output", ""},
    {"", "HardSigmoid", 1, "X:F", "Y", "alpha:float beta:float"},
    {"", "Elu Celu LeakyRelu ThresholdedRelu Swish", 1, "X:F", "Y", "alpha:float"},
    {"", "Selu", 1, "X:F", "Y", "alpha:float gamma:float"},
    {"", "Shrink", 1, "X:N", "Y", "bias:float lambd:float"},
    {"", "Identity", 1, "input:_", "output", ""},
    {"", "Dropout", 1, "data:F", "output mask?", "ratio:float"},
    {"", "Dropout", 12, "data:F ratio:F2? training_mode:B?", "output mask?", "seed:int"},
    {"", "Add Sub Mul Div", 7, "A:N B:N", "C", ""},
    {"", "And Or Xor", 7, "A:B B:B", "C", ""},
    {"", "Pow", 7, "X:N Y:N", "Z", ""},
    {"", "Pow", 12, "X:N Y:N2", "Z", ""},
    {"", "Min Max", 8, "data:N+", "output", ""},
    {"", "Sum Mean", 8, "data:F+", "output", ""},
    {"", "PRelu", 7, "X:N slope:N", "Y", ""},
    {"", "Mod", 10, "A:N B:N", "C", "fmod:int"},
    {"", "BitShift", 11, "X:Z Y:Z", "Z", "direction:string(LEFT|RIGHT)!"},
    {"", "BitwiseAnd BitwiseOr BitwiseXor", 18, "A:Z B:Z", "C", ""},
    {"", "Equal", 7, "A:T B:T", "C", ""},
    {"", "Less Greater", 7, "A:N B:N", "C", ""},
    {"", "LessOrEqual GreaterOrEqual", 12, "A:N B:N", "C", ""},
    {"", "IsNaN", 9, "X:F", "Y", ""},
    {"", "IsInf", 10, "X:F", "Y", "detect_negative:int detect_positive:int"},
    {"", "Where", 9, "condition:B X:T Y:T", "output", ""},
    {"", "Cast", 6, "input:_", "output", "to:int! saturate:int"},
    {"", "CastLike", 15, "input:_ target_type:_", "output", "saturate:int"},

    // Shapes.
    {"", "Shape", 1, "data:_", "shape", "start:int end:int"},
    {"", "Size", 1, "data:_", "size", ""},
    {"", "Reshape", 5, "data:_ shape:L", "reshaped", "allowzero:int"},
    {"", "Squeeze", 1, "data:_", "squeezed", "axes:ints"},
    {"", "Squeeze", 13, "data:_ axes:L?", "squeezed", ""},
    {"", "Unsqueeze", 1, "data:_", "expanded", "axes:ints!"},
    {"", "Unsqueeze", 13, "data:_ axes:L", "expanded", ""},
    {"", "Flatten", 1, "input:_", "output", "axis:int"},
    {"", "Transpose", 1, "data:_", "transposed", "perm:ints"},
    {"", "Expand", 8, "input:_ shape:L", "output", ""},
    {"", "Tile", 6, "input:_ repeats:L", "output", ""},
    {"", "ConstantOfShape", 9, "input:L", "output", "value:tensor"},
    {"", "Range", 11, "start:N limit:N delta:N", "output", ""},

    // Choosing and placing elements.
    {"", "Concat", 4, "inputs:T+", "concat_result", "axis:int!"},
    {"", "Slice", 10, "data:_ starts:I ends:I axes:I? steps:I?", "output", ""},
    {"", "Split", 2, "input:_", "outputs+", "axis:int split:ints"},
    {"", "Split", 13, "input:_ split:L?", "outputs+", "axis:int num_outputs:int"},
    {"", "Gather", 1, "data:_ indices:I", "output", "axis:int"},
    {"", "GatherElements", 11, "data:_ indices:I", "output", "axis:int"},
    {"", "GatherND", 11, "data:_ indices:L", "output", "batch_dims:int"},
    {"", "ScatterElements", 11, "data:T indices:I updates:T", "output",
     "axis:int reduction:string(none|add|mul|max|min)"},
    {"", "ScatterND", 10, "data:T indices:L updates:T", "output",
     "reduction:string(none|add|mul|max|min)"},
    {"", "CumSum", 10, "x:N axis:I", "y", "exclusive:int reverse:int"},
    {"", "ReverseSequence", 10, "input:_ sequence_lens:L", "Y", "batch_axis:int time_axis:int"},
    {"", "Trilu", 14, "input:_ k:L?", "output", "upper:int"},
    {"", "TensorScatter", 24, "past_cache:T update:T write_indices:L?", "present_cache",
     "axis:int mode:string(linear|circular)"},
    {"", "TopK", 10, "X:N K:L", "Values Indices", "axis:int largest:int sorted:int"},
    {"", "OneHot", 9, "indices:N depth:N2 values:_", "output", "axis:int"},
    {"", "NonZero", 9, "X:_", "Y", ""},
    {"", "Pad", 11, "data:T pads:L constant_value:T? axes:I?", "output",
     "mode:string(constant|reflect|edge|wrap)"},
    {"", "Compress", 9, "input:_ condition:B", "output", "axis:int"},
    {"", "Unique", 11, "X:_", "Y indices? inverse_indices? counts?", "axis:int sorted:int"},

    // Reductions and norms.
    {"", "ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 "
         "ReduceSumSquare ReduceLogSum ReduceLogSumExp", 1, "data:N", "reduced",
     "axes:ints keepdims:int"},
    {"", "ReduceSum", 13, "data:N axes:L?", "reduced", "keepdims:int noop_with_empty_axes:int"},
    {"", "ReduceMean ReduceProd ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSum "
         "ReduceLogSumExp", 18, "data:N axes:L?", "reduced",
     "keepdims:int noop_with_empty_axes:int"},
    {"", "ReduceMax ReduceMin", 18, "data:_ axes:L?", "reduced",
     "keepdims:int noop_with_empty_axes:int"},
    {"", "ArgMax ArgMin", 1, "data:N", "reduced", "axis:int keepdims:int select_last_index:int"},
    {"", "Softmax LogSoftmax Hardmax", 1, "input:F", "output", "axis:int"},
    {"", "BatchNormalization", 1, "X:F scale:F2 B:F2 input_mean:F3 input_var:F3",
     "Y mean? var? saved_mean? saved_var?", "epsilon:float momentum:float training_mode:int"},
    {"", "InstanceNormalization", 1, "input:F scale:F B:F", "output", "epsilon:float"},
    {"", "GroupNormalization", 1, "X:F scale:F bias:F", "Y",
     "num_groups:int! epsilon:float stash_type:int"},
    {"", "LpNormalization", 1, "input:F", "output", "axis:int p:int"},
    {"", "MeanVarianceNormalization", 1, "X:F", "Y", "axes:ints"},
    {"", "LayerNormalization", 1, "X:F Scale:F B:F?", "Y Mean? InvStdDev?",
     "axis:int epsilon:float stash_type:int"},
    {"", "RMSNormalization", 1, "X:F scale:F2", "Y", "axis:int epsilon:float stash_type:int"},
    // ONNX Runtime puts it into both domains.
    {"", "SimplifiedLayerNormalization", 1, "X:F scale:F2", "Y inv_std_var?",
     "axis:int epsilon:float stash_type:int"},
    {"com.microsoft", "SimplifiedLayerNormalization", 1, "X:F scale:F2", "Y inv_std_var?",
     "axis:int epsilon:float stash_type:int"},
    {"com.microsoft", "SkipSimplifiedLayerNormalization", 1,
     "input:F skip:F gamma:F bias:F?", "output mean? inv_std_var? sum?", "epsilon:float"},
    {"com.microsoft", "SkipLayerNormalization", 1,
     "input:F skip:F gamma:F beta:F? bias:F?", "output mean? inv_std_var? sum?",
     "epsilon:float"},

    // Products and attention.
    {"", "MatMul", 1, "A:N B:N", "Y", ""},
    {"", "MatMulInteger", 1, "A:Z B:Z2 a_zero_point:Z? b_zero_point:Z2?", "Y", ""},
    {"", "Gemm", 7, "A:N B:N C:N?", "Y", "alpha:float beta:float transA:int transB:int"},
    {"", "Einsum", 12, "inputs:N+", "output", "equation:string!"},
    {"", "Attention", 23, "Q:F K:F V:F2 attn_mask:_? past_key:F? past_value:F2?",
     "Y present_key? present_value? qk_matmul_output?",
     "is_causal:int q_num_heads:int kv_num_heads:int qk_matmul_output_mode:int "
     "scale:float softcap:float softmax_precision:int"},
    {"", "Attention", 24,
     "Q:F K:F V:F2 attn_mask:_? past_key:F? past_value:F2? nonpad_kv_seqlen:L?",
     "Y present_key? present_value? qk_matmul_output?",
     "is_causal:int q_num_heads:int kv_num_heads:int qk_matmul_output_mode:int "
     "scale:float softcap:float softmax_precision:int"},
    {"", "RotaryEmbedding", 23, "X:F cos_cache:F sin_cache:F position_ids:I?", "Y",
     "interleaved:int num_heads:int rotary_embedding_dim:int"},
    {"", "DequantizeLinear", 10, "x:_ x_scale:F x_zero_point:_?", "y",
     "axis:int block_size:int output_dtype:int"},
    {"", "QuantizeLinear", 10, "x:N y_scale:_ y_zero_point:_?", "y",
     "axis:int block_size:int output_dtype:int precision:int saturate:int"},
    {"com.microsoft", "DequantizeLinear", 1, "x:_ x_scale:F x_zero_point:_?", "y", "axis:int"},
    {"com.microsoft", "FusedMatMul", 1, "A:F B:F", "Y",
     "alpha:float transA:int transB:int transBatchA:int transBatchB:int"},
    {"com.microsoft", "MatMulNBits", 1,
     "A:F B:_ scales:_ zero_points:_? g_idx:_? bias:F?", "Y",
     "K:int! N:int! block_size:int! bits:int accuracy_level:int"},
    {"com.microsoft", "RotaryEmbedding", 1, "input:F position_ids:I cos_cache:F sin_cache:F",
     "output", "interleaved:int is_packed_batching:int num_heads:int "
               "rotary_embedding_dim:int scale:float"},
    {"com.microsoft", "MultiHeadAttention", 1,
     "query:F key:F? value:F? bias:F? key_padding_mask:_? attention_bias:F? "
     "past_key:F? past_value:F? past_sequence_length:I? cache_indirection:I?",
     "output present_key? present_value? qk?",
     "num_heads:int! mask_filter_value:float scale:float unidirectional:int"},
    {"com.microsoft", "GroupQueryAttention", 1,
     "query:F key:F? value:F? past_key:_? past_value:_? seqlens_k:I "
     "total_sequence_length:I cos_cache:F? sin_cache:F? position_ids:I? "
     "attention_bias:F? head_sink:F? k_scale:_? v_scale:_? q_norm_weight:_? "
     "k_norm_weight:_?",
     "output present_key? present_value? output_qk?",
     "num_heads:int! kv_num_heads:int! causal:int do_rotary:int "
     "k_quant_type:string(NONE|PER_TENSOR|PER_CHANNEL) kv_cache_bit_width:int "
     "local_window_size:int qk_norm_epsilon:float qk_output:int "
     "rotary_interleaved:int scale:float sliding_window_cache:int "
     "smooth_softmax:int softcap:float "
     "v_quant_type:string(NONE|PER_TENSOR|PER_CHANNEL)"},
    {"com.microsoft", "CausalConvWithState", 1,
     "input:F weight:F bias:F? past_state:F?", "output present_state?",
     "activation:string(none|silu|swish) ndim:int state_window:int"},

    // Experts and activations of com.microsoft.
    {"com.microsoft", "Gelu", 1, "X:F", "Y", ""},
    {"com.microsoft", "FastGelu", 1, "X:F bias:F?", "Y", ""},
    {"com.microsoft", "BiasGelu", 1, "A:F B:F", "C", ""},
    {"com.microsoft", "QuickGelu", 1, "X:F", "Y", "alpha:float"},
    {"com.microsoft", "MoE", 1,
     "input:F router_probs:F fc1_experts_weights:F fc1_experts_bias:F? "
     "fc2_experts_weights:F fc2_experts_bias:F? fc3_experts_weights:F? "
     "fc3_experts_bias:F?", "output",
     "activation_type:string(relu|gelu|silu|swiglu|identity) activation_alpha:float "
     "activation_beta:float k:int normalize_routing_weights:int swiglu_fusion:int "
     "swiglu_limit:float use_sparse_mixer:int"},
    {"com.microsoft", "QMoE", 1,
     "input:F router_probs:F fc1_experts_weights:_ fc1_scales:_? fc1_experts_bias:F? "
     "fc2_experts_weights:_ fc2_scales:_? fc2_experts_bias:F? fc3_experts_weights:_? "
     "fc3_scales:_? fc3_experts_bias:F? fc1_zero_points:_? fc2_zero_points:_? "
     "fc3_zero_points:_? router_weights:F? fc1_global_scale:_? fc2_global_scale:_? "
     "fc1_act_scale:_? fc2_act_scale:_? fc1_act_block_scale:_? fc2_act_block_scale:_?",
     "output",
     "activation_type:string(relu|gelu|silu|swiglu|identity) activation_alpha:float "
     "activation_beta:float block_size:int expert_weight_bits:int k:int "
     "normalize_routing_weights:int quant_type:string(int|fp4|nvfp4|fp8|wfp4afp8) "
     "swiglu_fusion:int swiglu_limit:float use_sparse_mixer:int weights_prepacked:int"},

    // Bodies.
    {"", "If", 1, "cond:B", "outputs+", "then_branch:graph! else_branch:graph!"},
    {"", "Loop", 1, "M:L? cond:B? v_initial:_*", "outputs+", "body:graph!"},
    {"", "Scan", 9, "inputs:_+", "outputs+",
     "body:graph! num_scan_inputs:int! scan_input_axes:ints scan_input_directions:ints "
     "scan_output_axes:ints scan_output_directions:ints"},
};
// clang-format on

ArrayRef<SignatureRow> onnx::getSignatureRows() { return kRows; }
