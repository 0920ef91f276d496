"""What an ONNX file is made of: the messages of ``onnx.proto``, and NumPy's names of its element types."""

from __future__ import annotations

from collections.abc import Mapping

from lamina.interop.protobuf.schema import Schema

SCHEMA = Schema("""
message AttributeProto: name 1 string, ref_attr_name 21 string, doc_string 13 string, type 20 AttributeType, f 2 float, i 3 int64,
 s 4 bytes, t 5 TensorProto, g 6 GraphProto, sparse_tensor 22 SparseTensorProto, tp 14 TypeProto, floats 7 float*, ints 8 int64*,
 strings 9 bytes*, tensors 10 TensorProto*, graphs 11 GraphProto*, sparse_tensors 23 SparseTensorProto*, type_protos 15 TypeProto*
message ValueInfoProto: name 1 string, type 2 TypeProto, doc_string 3 string, metadata_props 4 StringStringEntryProto*
message NodeProto: input 1 string*, output 2 string*, name 3 string, op_type 4 string, domain 7 string, overload 8 string,
 attribute 5 AttributeProto*, doc_string 6 string, metadata_props 9 StringStringEntryProto*
message ModelProto: ir_version 1 int64, opset_import 8 OperatorSetIdProto*, producer_name 2 string, producer_version 3 string,
 domain 4 string, model_version 5 int64, doc_string 6 string, graph 7 GraphProto, metadata_props 14 StringStringEntryProto*,
 functions 25 FunctionProto*, training_info 20 TrainingInfoProto*
message TrainingInfoProto: initialization 1 GraphProto, algorithm 2 GraphProto
message StringStringEntryProto: key 1 string, value 2 string
message GraphProto: node 1 NodeProto*, name 2 string, initializer 5 TensorProto*, sparse_initializer 15 SparseTensorProto*,
 doc_string 10 string, input 11 ValueInfoProto*, output 12 ValueInfoProto*, value_info 13 ValueInfoProto*,
 metadata_props 16 StringStringEntryProto*
message TensorProto: dims 1 int64*, data_type 2 int32, segment 3 Segment, float_data 4 float*, int32_data 5 int32*, string_data 6 bytes*,
 int64_data 7 int64*, name 8 string, doc_string 12 string, raw_data 9 bytes, external_data 13 StringStringEntryProto*,
 data_location 14 int32, double_data 10 double*, uint64_data 11 uint64*, metadata_props 16 StringStringEntryProto*
message Segment: begin 1 int64, end 2 int64
message SparseTensorProto: values 1 TensorProto, indices 2 TensorProto, dims 3 int64*
message TensorShapeProto: dim 1 Dimension*
message Dimension: dim_value 1 int64, dim_param 2 string, denotation 3 string
message TypeProto: tensor_type 1 TensorType, sequence_type 4 SequenceType, map_type 5 MapType, optional_type 9 OptionalType,
 sparse_tensor_type 8 TensorType, denotation 6 string
message TensorType: elem_type 1 int32, shape 2 TensorShapeProto
message SequenceType: elem_type 1 TypeProto
message MapType: key_type 1 int32, value_type 2 TypeProto
message OptionalType: elem_type 1 TypeProto
message OperatorSetIdProto: domain 1 string, version 2 int64
message FunctionProto: name 1 string, input 4 string*, output 5 string*, attribute 6 string*, attribute_proto 11 AttributeProto*,
 node 7 NodeProto*, doc_string 8 string, opset_import 9 OperatorSetIdProto*, domain 10 string, overload 13 string,
 value_info 12 ValueInfoProto*, metadata_props 14 StringStringEntryProto*
enum AttributeType: UNDEFINED 0, FLOAT 1, INT 2, STRING 3, TENSOR 4, GRAPH 5, SPARSE_TENSOR 11, TYPE_PROTO 13, FLOATS 6, INTS 7,
 STRINGS 8, TENSORS 9, GRAPHS 10, SPARSE_TENSORS 12, TYPE_PROTOS 14
""")
"""Source: onnx.proto of the ONNX project, which fixes names and numbers of fields."""

KINDS: Mapping[int, str] = {
    **{1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "string", 9: "bool", 10: "float16"},
    **{11: "float64", 12: "uint32", 13: "uint64", 14: "complex64", 15: "complex128", 16: "bfloat16", 17: "float8_e4m3fn"},
    **{18: "float8_e4m3fnuz", 19: "float8_e5m2", 20: "float8_e5m2fnuz", 21: "uint4", 22: "int4", 23: "float4_e2m1", 24: "float8_e8m0"},
    **{25: "uint2", 26: "int2", 27: "float6_e2m3", 28: "float6_e3m2"},
}
"""Element types by ``TensorProto.DataType``."""

NUMBERS: Mapping[str, int] = {kind: number for number, kind in KINDS.items()}
"""The same the other way round."""

NEWEST = 26
"""Operator set that older ones are converted to while they are read; where later ones only add operators, they are known too."""
