"""The messages of KEDA's external-scaler protocol, as its externalscaler.proto (kedacore/keda, v2) declares them."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SERVICE: Final = "externalscaler.ExternalScaler"

_TEXT, _NUMBER, _REAL, _BOOL = (
    descriptor_pb2.FieldDescriptorProto.TYPE_STRING,
    descriptor_pb2.FieldDescriptorProto.TYPE_INT64,
    descriptor_pb2.FieldDescriptorProto.TYPE_DOUBLE,
    descriptor_pb2.FieldDescriptorProto.TYPE_BOOL,
)
# message -> field number -> (name, type, or the message it holds; many)
_FIELDS: Final[Mapping[str, Mapping[int, tuple[str, Any, bool]]]] = {
    "ScaledObjectRef.ScalerMetadataEntry": {1: ("key", _TEXT, False), 2: ("value", _TEXT, False)},
    "ScaledObjectRef": {
        1: ("name", _TEXT, False),
        2: ("namespace", _TEXT, False),
        3: ("scalerMetadata", "ScaledObjectRef.ScalerMetadataEntry", True),
    },
    "IsActiveResponse": {1: ("result", _BOOL, False)},
    "GetMetricSpecResponse": {1: ("metricSpecs", "MetricSpec", True)},
    "MetricSpec": {
        1: ("metricName", _TEXT, False),
        2: ("targetSize", _NUMBER, False),
        3: ("targetSizeFloat", _REAL, False),
    },
    "GetMetricsRequest": {1: ("scaledObjectRef", "ScaledObjectRef", False), 2: ("metricName", _TEXT, False)},
    "GetMetricsResponse": {1: ("metricValues", "MetricValue", True)},
    "MetricValue": {
        1: ("metricName", _TEXT, False),
        2: ("metricValue", _NUMBER, False),
        3: ("metricValueFloat", _REAL, False),
    },
}


@cache
def messages() -> dict[str, Any]:
    """Return the message classes by name."""
    file = descriptor_pb2.FileDescriptorProto(name="externalscaler.proto", package="externalscaler", syntax="proto3")
    for name in sorted(_FIELDS, key=lambda one: one.count(".")):
        _declare(file, name)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    names = (name for name in _FIELDS if "." not in name)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"externalscaler.{name}")) for name in names
    }


def _declare(file: descriptor_pb2.FileDescriptorProto, name: str) -> None:
    outer, _, inner = name.rpartition(".")
    if outer:
        holder = next(one for one in file.message_type if one.name == outer)
        message = holder.nested_type.add(name=inner)
        message.options.map_entry = True
    else:
        message = file.message_type.add(name=inner)
    for number, (field, kind, many) in _FIELDS[name].items():
        added = message.field.add(name=field, number=number)
        added.label = added.LABEL_REPEATED if many else added.LABEL_OPTIONAL
        if isinstance(kind, str):
            added.type, added.type_name = added.TYPE_MESSAGE, f".externalscaler.{kind}"
        else:
            added.type = kind
