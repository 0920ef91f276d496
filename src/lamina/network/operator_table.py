"""What `lamina.network.operators` reads: a line for each operator, with fewest and most inputs, and its attributes."""

from __future__ import annotations

from collections.abc import Mapping

FAMILIES: Mapping[str, str] = {
    "attention": """
Attention:3-7 is_causal kv_num_heads left_window_size q_num_heads qk_matmul_output_mode right_window_size scale softcap
 softmax_precision
LinearAttention:3-6 chunk_size kv_num_heads q_num_heads scale update_rule
RotaryEmbedding:3-4 interleaved num_heads rotary_embedding_dim
""",
    "control": """
If:1-1 else_branch then_branch
Loop:2- body
Scan:0- body num_scan_inputs scan_input_axes scan_input_directions scan_output_axes scan_output_directions
SequenceMap:1- body
lamina::ScanOfBatches:1- body num_scan_inputs scan_input_directions
""",
    "convolution": """
AveragePool:1-1 auto_pad ceil_mode count_include_pad dilations kernel_shape pads strides
CausalConvWithState:2-4 activation
Conv:2-3 auto_pad dilations group kernel_shape pads strides
ConvTranspose:2-3 auto_pad dilations group kernel_shape output_padding output_shape pads strides
DeformConv:3-5 dilations group kernel_shape offset_group pads strides
GlobalAveragePool:1-1
GlobalLpPool:1-1 p
GlobalMaxPool:1-1
LpPool:1-1 auto_pad ceil_mode dilations kernel_shape p pads strides
MaxPool:1-1 auto_pad ceil_mode dilations kernel_shape pads storage_order strides
MaxUnpool:2-3 kernel_shape pads strides
""",
    "elementwise": """
Abs:1-1
Acos:1-1
Acosh:1-1
Add:2-2
And:2-2
Asin:1-1
Asinh:1-1
Atan:1-1
Atanh:1-1
BitCast:1-1 to
BitShift:2-2 direction
BitwiseAnd:2-2
BitwiseNot:1-1
BitwiseOr:2-2
BitwiseXor:2-2
Cast:1-1 round_mode saturate to
CastLike:2-2 round_mode saturate
Ceil:1-1
Celu:1-1 alpha
Clip:1-3
Cos:1-1
Cosh:1-1
Div:2-2
Elu:1-1 alpha
Equal:2-2
Erf:1-1
Exp:1-1
Floor:1-1
Gelu:1-1 approximate
Greater:2-2
GreaterOrEqual:2-2
HardSigmoid:1-1 alpha beta
HardSwish:1-1
Identity:1-1
IsInf:1-1 detect_negative detect_positive
IsNaN:1-1
LeakyRelu:1-1 alpha
Less:2-2
LessOrEqual:2-2
Log:1-1
Max:1-
Mean:1-
Min:1-
Mish:1-1
Mod:2-2 fmod
Mul:2-2
Neg:1-1
Not:1-1
Or:2-2
PRelu:2-2
Pow:2-2
Reciprocal:1-1
Relu:1-1
Round:1-1
Selu:1-1 alpha gamma
Shrink:1-1 bias lambd
Sigmoid:1-1
Sign:1-1
Sin:1-1
Sinh:1-1
Softplus:1-1
Softsign:1-1
Sqrt:1-1
Sub:2-2
Sum:1-
SwiGLU:2-2 alpha
Swish:1-1 alpha
Tan:1-1
Tanh:1-1
ThresholdedRelu:1-1 alpha
Where:3-3
Xor:2-2
lamina::Aligned:2-2 axis
""",
    "images": """
AffineGrid:2-2 align_corners
GridSample:2-2 align_corners mode padding_mode
ImageDecoder:1-1 pixel_format
MaxRoiPool:2-2 pooled_shape spatial_scale
NonMaxSuppression:2-5 center_point_box
RoiAlign:3-3 coordinate_transformation_mode mode output_height output_width sampling_ratio spatial_scale
""",
    "indexing": """
Compress:2-2 axis
Gather:2-2 axis
GatherElements:2-2 axis
GatherND:2-2 batch_dims
NonZero:1-1
OneHot:3-3 axis
ReverseSequence:2-2 batch_axis time_axis
ScatterElements:3-3 axis reduction
ScatterND:3-3 reduction
Slice:3-5
TensorScatter:2-3 axis mode
Unique:1-1 axis sorted
""",
    "learners": """
ai.onnx.ml::ArrayFeatureExtractor:2-2
ai.onnx.ml::Binarizer:1-1 threshold
ai.onnx.ml::CategoryMapper:1-1 cats_int64s cats_strings default_int64 default_string
ai.onnx.ml::FeatureVectorizer:0- inputdimensions
ai.onnx.ml::Imputer:1-1 imputed_value_floats imputed_value_int64s replaced_value_float replaced_value_int64
ai.onnx.ml::LabelEncoder:1-1 default_float default_int64 default_string default_tensor keys_floats keys_int64s keys_strings
 keys_tensor values_floats values_int64s values_strings values_tensor
ai.onnx.ml::LinearClassifier:1-1 classlabels_ints classlabels_strings coefficients intercepts multi_class post_transform
ai.onnx.ml::LinearRegressor:1-1 coefficients intercepts post_transform targets
ai.onnx.ml::Normalizer:1-1 norm
ai.onnx.ml::OneHotEncoder:1-1 cats_int64s cats_strings zeros
ai.onnx.ml::SVMClassifier:1-1 classlabels_ints classlabels_strings coefficients kernel_params kernel_type post_transform prob_a
 prob_b rho support_vectors vectors_per_class
ai.onnx.ml::SVMRegressor:1-1 coefficients kernel_params kernel_type n_supports one_class post_transform rho support_vectors
ai.onnx.ml::Scaler:1-1 offset scale
""",
    "normalization": """
BatchNormalization:5-5 epsilon momentum training_mode
Bernoulli:1-1 dtype seed
Dropout:1-3 seed
GroupNormalization:3-3 epsilon num_groups stash_type
InstanceNormalization:3-3 epsilon
LRN:1-1 alpha beta bias size
LayerNormalization:2-3 axis epsilon stash_type
LpNormalization:1-1 axis p
MeanVarianceNormalization:1-1 axes
Multinomial:1-1 dtype sample_size seed
NegativeLogLikelihoodLoss:2-3 ignore_index reduction
RMSNormalization:2-2 axis epsilon stash_type
RandomNormal:0-0 dtype mean scale seed shape
RandomNormalLike:1-1 dtype mean scale seed
RandomUniform:0-0 dtype high low seed shape
RandomUniformLike:1-1 dtype high low seed
SimplifiedLayerNormalization:2-2 axis epsilon stash_type
SoftmaxCrossEntropyLoss:2-3 ignore_index reduction
lamina::GroupNormalizationOfGroups:3-3 epsilon num_groups
""",
    "products": """
Einsum:0- equation
Gemm:2-3 alpha beta transA transB
MatMul:2-2
""",
    "quantised": """
ConvInteger:2-4 auto_pad dilations group kernel_shape pads strides
DequantizeLinear:2-3 axis block_size output_dtype
DynamicQuantizeLinear:1-1
MatMulInteger:2-4
QLinearConv:8-9 auto_pad dilations group kernel_shape pads strides
QLinearMatMul:8-8
QuantizeLinear:2-3 axis block_size output_dtype precision saturate
""",
    "recurrent": """
GRU:3-6 activation_alpha activation_beta activations clip direction hidden_size layout linear_before_reset
LSTM:3-8 activation_alpha activation_beta activations clip direction hidden_size input_forget layout
RNN:3-6 activation_alpha activation_beta activations clip direction hidden_size layout
""",
    "reductions": """
ArgMax:1-1 axis keepdims select_last_index
ArgMin:1-1 axis keepdims select_last_index
CumProd:2-2 exclusive reverse
CumSum:2-2 exclusive reverse
Det:1-1
Hardmax:1-1 axis
LogSoftmax:1-1 axis
ReduceL1:1-2 keepdims noop_with_empty_axes
ReduceL2:1-2 keepdims noop_with_empty_axes
ReduceLogSum:1-2 keepdims noop_with_empty_axes
ReduceLogSumExp:1-2 keepdims noop_with_empty_axes
ReduceMax:1-2 keepdims noop_with_empty_axes
ReduceMean:1-2 keepdims noop_with_empty_axes
ReduceMin:1-2 keepdims noop_with_empty_axes
ReduceProd:1-2 keepdims noop_with_empty_axes
ReduceSum:1-2 keepdims noop_with_empty_axes
ReduceSumSquare:1-2 keepdims noop_with_empty_axes
Softmax:1-1 axis
TopK:2-2 axis largest sorted
""",
    "resizing": """
Resize:1-4 antialias axes coordinate_transformation_mode cubic_coeff_a exclude_outside extrapolation_value
 keep_aspect_ratio_policy mode nearest_mode
""",
    "sequences": """
ConcatFromSequence:1-1 axis new_axis
Optional:0-1 type
OptionalGetElement:1-1
OptionalHasElement:0-1
SequenceAt:2-2
SequenceConstruct:0-
SequenceEmpty:0-0 dtype
SequenceErase:1-2
SequenceInsert:2-3
SequenceLength:1-1
SplitToSequence:1-2 axis keepdims
""",
    "shaping": """
CenterCropPad:2-2 axes
Col2Im:3-3 dilations pads strides
Concat:1- axis
Constant:0-0 value value_float value_floats value_int value_ints value_string value_strings
ConstantOfShape:1-1 value
DepthToSpace:1-1 blocksize mode
Expand:2-2
EyeLike:1-1 dtype k
Flatten:1-1 axis
Pad:2-4 mode
Range:3-3
Reshape:2-2 allowzero
Shape:1-1 end start
Size:1-1
SpaceToDepth:1-1 blocksize mode
Split:1-2 axis num_outputs
Squeeze:1-2
Tile:2-2
Transpose:1-1 perm
Trilu:1-2 upper
Unsqueeze:2-2
""",
    "signal": """
BlackmanWindow:1-1 output_datatype periodic
DFT:1-3 inverse onesided
HammingWindow:1-1 output_datatype periodic
HannWindow:1-1 output_datatype periodic
MelWeightMatrix:5-5 output_datatype
STFT:2-4 onesided
""",
    "texts": """
StringConcat:2-2
StringNormalizer:1-1 case_change_action is_case_sensitive locale stopwords
StringSplit:1-1 delimiter maxsplit
TfIdfVectorizer:1-1 max_gram_length max_skip_count min_gram_length mode ngram_counts ngram_indexes pool_int64s pool_strings
 weights
""",
    "trees": """
ai.onnx.ml::TreeEnsemble:1-1 aggregate_function leaf_targetids leaf_weights membership_values n_targets nodes_falseleafs
 nodes_falsenodeids nodes_featureids nodes_hitrates nodes_missing_value_tracks_true nodes_modes nodes_splits nodes_trueleafs
 nodes_truenodeids post_transform tree_roots
ai.onnx.ml::TreeEnsembleClassifier:1-1 base_values class_ids class_nodeids class_treeids class_weights classlabels_int64s
 classlabels_strings nodes_falsenodeids nodes_featureids nodes_hitrates nodes_missing_value_tracks_true nodes_modes nodes_nodeids
 nodes_treeids nodes_truenodeids nodes_values post_transform
ai.onnx.ml::TreeEnsembleRegressor:1-1 aggregate_function base_values n_targets nodes_falsenodeids nodes_featureids nodes_hitrates
 nodes_missing_value_tracks_true nodes_modes nodes_nodeids nodes_treeids nodes_truenodeids nodes_values post_transform target_ids
 target_nodeids target_treeids target_weights
""",
}
"""Lines by the module of ``lamina.engine.operators`` that runs them; a test holds that they are what is entered there."""
