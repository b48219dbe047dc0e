from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Header(_message.Message):
    __slots__ = ("schema", "actor", "stream", "spec", "created_ns", "reader")
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    CREATED_NS_FIELD_NUMBER: _ClassVar[int]
    READER_FIELD_NUMBER: _ClassVar[int]
    schema: int
    actor: str
    stream: str
    spec: str
    created_ns: int
    reader: int
    def __init__(self, schema: _Optional[int] = ..., actor: _Optional[str] = ..., stream: _Optional[str] = ..., spec: _Optional[str] = ..., created_ns: _Optional[int] = ..., reader: _Optional[int] = ...) -> None: ...

class HelloReply(_message.Message):
    __slots__ = ("durable", "schema")
    DURABLE_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    durable: int
    schema: int
    def __init__(self, durable: _Optional[int] = ..., schema: _Optional[int] = ...) -> None: ...

class Batch(_message.Message):
    __slots__ = ("records",)
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    records: _containers.RepeatedCompositeFieldContainer[Record]
    def __init__(self, records: _Optional[_Iterable[_Union[Record, _Mapping]]] = ...) -> None: ...

class Record(_message.Message):
    __slots__ = ("seq", "crc", "payload")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    CRC_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    seq: int
    crc: int
    payload: bytes
    def __init__(self, seq: _Optional[int] = ..., crc: _Optional[int] = ..., payload: _Optional[bytes] = ...) -> None: ...

class Ack(_message.Message):
    __slots__ = ("durable",)
    DURABLE_FIELD_NUMBER: _ClassVar[int]
    durable: int
    def __init__(self, durable: _Optional[int] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("actor", "version", "schema")
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    actor: str
    version: int
    schema: int
    def __init__(self, actor: _Optional[str] = ..., version: _Optional[int] = ..., schema: _Optional[int] = ...) -> None: ...

class Tensor(_message.Message):
    __slots__ = ("name", "dtype", "shape", "offset")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    name: str
    dtype: str
    shape: _containers.RepeatedScalarFieldContainer[int]
    offset: int
    def __init__(self, name: _Optional[str] = ..., dtype: _Optional[str] = ..., shape: _Optional[_Iterable[int]] = ..., offset: _Optional[int] = ...) -> None: ...

class Manifest(_message.Message):
    __slots__ = ("version", "sha256", "size", "age", "tensors", "crcs")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    AGE_FIELD_NUMBER: _ClassVar[int]
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    CRCS_FIELD_NUMBER: _ClassVar[int]
    version: int
    sha256: bytes
    size: int
    age: float
    tensors: _containers.RepeatedCompositeFieldContainer[Tensor]
    crcs: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, version: _Optional[int] = ..., sha256: _Optional[bytes] = ..., size: _Optional[int] = ..., age: _Optional[float] = ..., tensors: _Optional[_Iterable[_Union[Tensor, _Mapping]]] = ..., crcs: _Optional[_Iterable[int]] = ...) -> None: ...

class Status(_message.Message):
    __slots__ = ("finished", "paused")
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    PAUSED_FIELD_NUMBER: _ClassVar[int]
    finished: bool
    paused: bool
    def __init__(self, finished: _Optional[bool] = ..., paused: _Optional[bool] = ...) -> None: ...

class News(_message.Message):
    __slots__ = ("manifest", "chunk", "status")
    MANIFEST_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    manifest: Manifest
    chunk: bytes
    status: Status
    def __init__(self, manifest: _Optional[_Union[Manifest, _Mapping]] = ..., chunk: _Optional[bytes] = ..., status: _Optional[_Union[Status, _Mapping]] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("header", "begin", "step", "end", "samples")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    BEGIN_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    header: Header
    begin: Begin
    step: StepData
    end: End
    samples: Samples
    def __init__(self, header: _Optional[_Union[Header, _Mapping]] = ..., begin: _Optional[_Union[Begin, _Mapping]] = ..., step: _Optional[_Union[StepData, _Mapping]] = ..., end: _Optional[_Union[End, _Mapping]] = ..., samples: _Optional[_Union[Samples, _Mapping]] = ...) -> None: ...

class Begin(_message.Message):
    __slots__ = ("meta",)
    META_FIELD_NUMBER: _ClassVar[int]
    meta: str
    def __init__(self, meta: _Optional[str] = ...) -> None: ...

class StepData(_message.Message):
    __slots__ = ("observation", "action", "proposal", "reward", "success", "terminated", "truncated", "source", "stamp", "peak_force", "energy", "policy_version", "policy_age", "policy_proposal", "intervention", "reward_source", "frame_stamps", "freshness")
    OBSERVATION_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_FIELD_NUMBER: _ClassVar[int]
    REWARD_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    TERMINATED_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    STAMP_FIELD_NUMBER: _ClassVar[int]
    PEAK_FORCE_FIELD_NUMBER: _ClassVar[int]
    ENERGY_FIELD_NUMBER: _ClassVar[int]
    POLICY_VERSION_FIELD_NUMBER: _ClassVar[int]
    POLICY_AGE_FIELD_NUMBER: _ClassVar[int]
    POLICY_PROPOSAL_FIELD_NUMBER: _ClassVar[int]
    INTERVENTION_FIELD_NUMBER: _ClassVar[int]
    REWARD_SOURCE_FIELD_NUMBER: _ClassVar[int]
    FRAME_STAMPS_FIELD_NUMBER: _ClassVar[int]
    FRESHNESS_FIELD_NUMBER: _ClassVar[int]
    observation: bytes
    action: bytes
    proposal: bytes
    reward: float
    success: bool
    terminated: bool
    truncated: bool
    source: int
    stamp: float
    peak_force: float
    energy: Energy
    policy_version: int
    policy_age: float
    policy_proposal: bytes
    intervention: int
    reward_source: int
    frame_stamps: _containers.RepeatedScalarFieldContainer[float]
    freshness: Freshness
    def __init__(self, observation: _Optional[bytes] = ..., action: _Optional[bytes] = ..., proposal: _Optional[bytes] = ..., reward: _Optional[float] = ..., success: _Optional[bool] = ..., terminated: _Optional[bool] = ..., truncated: _Optional[bool] = ..., source: _Optional[int] = ..., stamp: _Optional[float] = ..., peak_force: _Optional[float] = ..., energy: _Optional[_Union[Energy, _Mapping]] = ..., policy_version: _Optional[int] = ..., policy_age: _Optional[float] = ..., policy_proposal: _Optional[bytes] = ..., intervention: _Optional[int] = ..., reward_source: _Optional[int] = ..., frame_stamps: _Optional[_Iterable[float]] = ..., freshness: _Optional[_Union[Freshness, _Mapping]] = ...) -> None: ...

class Freshness(_message.Message):
    __slots__ = ("observation_age", "action_age", "overrun", "missed")
    OBSERVATION_AGE_FIELD_NUMBER: _ClassVar[int]
    ACTION_AGE_FIELD_NUMBER: _ClassVar[int]
    OVERRUN_FIELD_NUMBER: _ClassVar[int]
    MISSED_FIELD_NUMBER: _ClassVar[int]
    observation_age: float
    action_age: float
    overrun: float
    missed: int
    def __init__(self, observation_age: _Optional[float] = ..., action_age: _Optional[float] = ..., overrun: _Optional[float] = ..., missed: _Optional[int] = ...) -> None: ...

class Samples(_message.Message):
    __slots__ = ("name", "dtype", "shape", "stamps", "values")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    STAMPS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    name: str
    dtype: str
    shape: _containers.RepeatedScalarFieldContainer[int]
    stamps: _containers.RepeatedScalarFieldContainer[float]
    values: bytes
    def __init__(self, name: _Optional[str] = ..., dtype: _Optional[str] = ..., shape: _Optional[_Iterable[int]] = ..., stamps: _Optional[_Iterable[float]] = ..., values: _Optional[bytes] = ...) -> None: ...

class Energy(_message.Message):
    __slots__ = ("tank", "spring", "work", "budget", "scale", "mode", "violations", "worst_ratio")
    TANK_FIELD_NUMBER: _ClassVar[int]
    SPRING_FIELD_NUMBER: _ClassVar[int]
    WORK_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    VIOLATIONS_FIELD_NUMBER: _ClassVar[int]
    WORST_RATIO_FIELD_NUMBER: _ClassVar[int]
    tank: float
    spring: float
    work: float
    budget: float
    scale: float
    mode: int
    violations: int
    worst_ratio: float
    def __init__(self, tank: _Optional[float] = ..., spring: _Optional[float] = ..., work: _Optional[float] = ..., budget: _Optional[float] = ..., scale: _Optional[float] = ..., mode: _Optional[int] = ..., violations: _Optional[int] = ..., worst_ratio: _Optional[float] = ...) -> None: ...

class End(_message.Message):
    __slots__ = ("complete", "observation")
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    OBSERVATION_FIELD_NUMBER: _ClassVar[int]
    complete: bool
    observation: bytes
    def __init__(self, complete: _Optional[bool] = ..., observation: _Optional[bytes] = ...) -> None: ...
