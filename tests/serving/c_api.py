"""SavedModels through TensorFlow's C API, which model servers are built on, without its Python.

    with Session("saved_models/digits/1") as session:
        print(session.signatures)
        images = session.run("sample", {"seed": np.arange(4)})["images"]

TensorFlow's package has to be installed, for its library; it is not imported.
"""

import contextlib
import ctypes
import importlib.util
import pathlib
import typing

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

# TensorFlow's numbers of types, and what NumPy calls them; strings are objects.
DTYPES = {1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 7: "object"}
DTYPES |= {8: "complex64", 9: "int64", 10: "bool", 17: "uint16", 19: "float16"}
CODES = ["OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND"]
CODES += ["ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION"]
CODES += ["ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"]

# The parts of TensorFlow's messages that are read here. An entry of a map is a key and a value.
MESSAGES = {
    "Dim": "int64 size 1",
    "Shape": "*Dim dim 2, bool unknown_rank 3",
    "Info": "string name 1, int32 dtype 2, Shape shape 3",
    "Tensor": "int32 dtype 1, Shape shape 2, bytes content 4, *int32 half 13, *float float 5, "
    "*double double 6, *int32 int 7, *bytes string 8, *int64 int64 10, *bool bool 11",
    "InfoEntry": "string key 1, Info value 2",
    "TensorEntry": "string key 1, Tensor value 2",
    "Signature": "*InfoEntry inputs 1, *InfoEntry outputs 2, *TensorEntry defaults 4",
    "SignatureEntry": "string key 1, Signature value 2",
    "MetaGraph": "*SignatureEntry signatures 5",
    "Model": "string name 1, string signature 3",
    "Predict": "Model model 1, *TensorEntry inputs 2",
    "PredictLog": "Predict request 1",
    "Log": "PredictLog predict 6",
}


def message_classes():
    """Return classes of `MESSAGES` by name; fields that they don't name are passed over."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="c_api.proto", syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field in fields.split(", "):
            kind, label, number = field.split()
            many = kind.startswith("*")
            kind = kind.lstrip("*")
            made = message.field.add(name=label, number=int(number))
            made.label = kinds.LABEL_REPEATED if many else kinds.LABEL_OPTIONAL
            made.type = getattr(kinds, f"TYPE_{'MESSAGE' if kind in MESSAGES else kind.upper()}")
            if kind in MESSAGES:
                made.type_name = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for name in MESSAGES
    }


PROTOS = message_classes()


def shape_of(shape):
    """Return a shape message as a tuple, `None` for a side of any size; `None` of any rank."""
    if shape.unknown_rank:
        return None
    return tuple(None if side.size < 0 else side.size for side in shape.dim)


def array_of(tensor):
    """Return the array that a tensor message holds."""
    dtype, shape = DTYPES[tensor.dtype], shape_of(tensor.shape)
    if tensor.content:
        return np.frombuffer(tensor.content, dtype).reshape(shape).copy()
    field = {"float16": "half", "float32": "float", "float64": "double", "object": "string"}
    field |= {"int64": "int64", "bool": "bool"}
    values = list(getattr(tensor, field.get(dtype, "int")))
    if dtype == "float16":
        values = np.array(values, "uint16").view("float16").tolist()
    # The last value stands for all that follow.
    size = int(np.prod(shape))
    values += [values[-1] if values else 0] * (size - len(values))
    return np.array(values, dtype).reshape(shape)


class Signature(typing.NamedTuple):
    """What a signature takes and gives: dicts of `Slot`s by name, and of default arrays."""

    inputs: dict
    outputs: dict
    defaults: dict


class Slot(typing.NamedTuple):
    """An input or output: the tensor's name in the graph, its type, its shape or `None`."""

    tensor: str
    dtype: str
    shape: tuple


def signatures_of(meta_graph):
    """Return the signatures of a serialized MetaGraphDef by name."""

    def slots(entries):
        return {
            entry.key: Slot(
                entry.value.name,
                DTYPES.get(entry.value.dtype, f"type {entry.value.dtype}"),
                shape_of(entry.value.shape),
            )
            for entry in sorted(entries, key=lambda entry: entry.key)
        }

    found = {}
    for entry in PROTOS["MetaGraph"].FromString(meta_graph).signatures:
        if entry.key.startswith("__"):  # TensorFlow's own, of initialization.
            continue
        defaults = {default.key: array_of(default.value) for default in entry.value.defaults}
        sides = slots(entry.value.inputs), slots(entry.value.outputs)
        found[entry.key] = Signature(*sides, defaults)
    return dict(sorted(found.items()))


class RequestError(Exception):
    """An answer that is none: `code`, as gRPC names it, and `message`."""

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


class Buffer(ctypes.Structure):
    """TF_Buffer."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("length", ctypes.c_size_t),
        ("deallocator", ctypes.c_void_p),
    )


class Output(ctypes.Structure):
    """TF_Output: one of the tensors that an operation makes."""

    _fields_ = (("operation", ctypes.c_void_p), ("index", ctypes.c_int))


STRING_BYTES = 24  # sizeof(TF_TString)


def library():
    """Return TensorFlow's C API, as the installed package has it, without importing the package."""
    spec = importlib.util.find_spec("tensorflow")
    if spec is None:
        raise RuntimeError("Expected TensorFlow to be installed: `pip install tensorflow`.")
    path = pathlib.Path(spec.origin).parent / "libtensorflow_cc.so.2"
    lib = ctypes.CDLL(str(path))
    pointer, size, number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    returned = {
        **dict.fromkeys(["NewStatus", "NewGraph", "NewSessionOptions", "NewBuffer"], pointer),
        **dict.fromkeys(["LoadSessionFromSavedModel", "GraphOperationByName"], pointer),
        **dict.fromkeys(["AllocateTensor", "TensorData", "StringGetDataPointer"], pointer),
        **dict.fromkeys(["TensorByteSize", "StringGetSize"], size),
        **dict.fromkeys(["GetCode", "TensorType", "NumDims"], number),
        **{"Message": ctypes.c_char_p, "Dim": ctypes.c_int64},
    }
    for name, kind in returned.items():
        getattr(lib, f"TF_{name}").restype = kind
    return lib


class Session:
    """A version loaded by TensorFlow's C API.

    Args:
        directory: the version's.
        checked: whether to look at types and shapes before TensorFlow sees a request, which no
            model server does; at names, which it does, a session always looks.

    Raises:
        RequestError: when the version can't be loaded.
    """

    def __init__(self, directory, checked=True):
        self._lib, self._checked = library(), checked
        # What is made goes in the end, in reverse order.
        self._made = contextlib.ExitStack()
        self._status, self._graph = self._make("Status"), self._make("Graph")
        options, meta_graph = self._make("SessionOptions"), self._make("Buffer")
        tags = (ctypes.c_char_p * 1)(b"serve")
        path = str(directory).encode()
        self._session = ctypes.c_void_p(
            self._lib.TF_LoadSessionFromSavedModel(
                options, None, path, tags, 1, self._graph, meta_graph, self._status
            )
        )
        try:
            self._raise(self._status)
            self._made.callback(self._lib.TF_DeleteSession, self._session, self._status)
            self._made.callback(self._lib.TF_CloseSession, self._session, self._status)
            buffer = ctypes.cast(meta_graph, ctypes.POINTER(Buffer)).contents
            self.signatures = signatures_of(ctypes.string_at(buffer.data, buffer.length))
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        """Return the session, which is closed in the end."""
        return self

    def __exit__(self, *error):
        """Close the session."""
        self.close()

    def close(self):
        """Give back what the session holds; it answers no more."""
        self._session = None
        self._made.close()

    def run(self, name, inputs):
        """Return a signature's outputs as arrays by name.

        Args:
            name: the signature's.
            inputs: arrays by name; those with defaults may be left out.

        Raises:
            RequestError: for what can't be answered.
        """
        if name not in self.signatures:
            raise RequestError(
                "NOT_FOUND", f"Expected one of {[*self.signatures]}. Received: {name}"
            )
        if self._session is None:
            raise RuntimeError("Expected an open session: this one was closed.")
        signature = self.signatures[name]
        arrays = {key: as_array(value) for key, value in inputs.items()}
        check_names(signature, arrays)
        if self._checked:
            check_values(signature, arrays)
        slots = [signature.inputs[key] for key in arrays]
        fed, made = [self._tensor_of(array) for array in arrays.values()], []
        try:
            made = self._run(slots, fed, list(signature.outputs.values()))
            return dict(zip(signature.outputs, map(self._array_of, made), strict=True))
        finally:
            # Last of all: an output may share its strings with an input.
            for place in (place for tensor in fed for place in self._strings(tensor)):
                self._lib.TF_StringDealloc(place)
            for tensor in (*fed, *made):
                self._lib.TF_DeleteTensor(tensor)

    def _make(self, kind):
        made = ctypes.c_void_p(getattr(self._lib, f"TF_New{kind}")())
        self._made.callback(getattr(self._lib, f"TF_Delete{kind}"), made)
        return made

    def _raise(self, status):
        code = self._lib.TF_GetCode(status)
        if code:
            message = self._lib.TF_Message(status).decode(errors="replace")
            raise RequestError(CODES[code] if code < len(CODES) else str(code), message)

    def _run(self, slots, fed, wanted):
        places = [(Output * len(part))(*map(self._output, part)) for part in (slots, wanted)]
        values = (ctypes.c_void_p * len(fed))(*(tensor.value for tensor in fed))
        made = (ctypes.c_void_p * len(wanted))()
        # Each its own: several threads may ask.
        status = ctypes.c_void_p(self._lib.TF_NewStatus())
        sizes = len(fed), len(wanted)
        self._lib.TF_SessionRun(
            *(self._session, None, places[0], values, sizes[0], places[1], made, sizes[1]),
            *(None, 0, None, status),
        )
        try:
            self._raise(status)
        finally:
            self._lib.TF_DeleteStatus(status)
        return [ctypes.c_void_p(tensor) for tensor in made]

    def _output(self, slot):
        operation, _, index = slot.tensor.partition(":")
        found = self._lib.TF_GraphOperationByName(self._graph, operation.encode())
        return Output(found, int(index or 0))

    def _tensor_of(self, array):
        kind = next(number for number, dtype in DTYPES.items() if dtype == array.dtype.name)
        shape = (ctypes.c_int64 * array.ndim)(*array.shape)
        strings = array.dtype == object
        size = STRING_BYTES * array.size if strings else array.nbytes
        tensor = ctypes.c_void_p(
            self._lib.TF_AllocateTensor(kind, shape, array.ndim, ctypes.c_size_t(size))
        )
        data = self._lib.TF_TensorData(tensor)
        if not strings:
            ctypes.memmove(data, array.ctypes.data, size)
        for i, text in enumerate(array.ravel() if strings else ()):
            text = text.encode() if isinstance(text, str) else text
            place = ctypes.c_void_p(data + STRING_BYTES * i)
            self._lib.TF_StringInit(place)
            self._lib.TF_StringCopy(place, text, ctypes.c_size_t(len(text)))
        return tensor

    def _strings(self, tensor):
        """Return the places of a tensor's strings; none of another type."""
        if DTYPES.get(self._lib.TF_TensorType(tensor)) != "object":
            return []
        data, size = self._lib.TF_TensorData(tensor), self._lib.TF_TensorByteSize(tensor)
        return [ctypes.c_void_p(data + at) for at in range(0, size, STRING_BYTES)]

    def _array_of(self, tensor):
        shape = [self._lib.TF_Dim(tensor, i) for i in range(self._lib.TF_NumDims(tensor))]
        dtype = DTYPES[self._lib.TF_TensorType(tensor)]
        if dtype == "object":
            values = [
                ctypes.string_at(
                    self._lib.TF_StringGetDataPointer(place), self._lib.TF_StringGetSize(place)
                )
                for place in self._strings(tensor)
            ]
            return np.array([*values, None], dtype)[:-1].reshape(shape)
        size = self._lib.TF_TensorByteSize(tensor)
        content = ctypes.string_at(self._lib.TF_TensorData(tensor), size) if size else b""
        return np.frombuffer(content, dtype).reshape(shape)


def as_array(value):
    """Return a value as an array that lies in one piece in this machine's order, texts as objects.

    Raises:
        RequestError: for a type that is not passed on here.
    """
    array = np.ascontiguousarray(value) if np.ndim(value) else np.asarray(value)
    array = array.astype(array.dtype.newbyteorder("="))
    array = array.astype(object) if array.dtype.kind in "SU" else array
    texts = all(isinstance(part, (str, bytes)) for part in array.flat) or array.dtype != object
    if array.dtype.name not in DTYPES.values() or not texts:
        raise RequestError(
            "INVALID_ARGUMENT", f"Expected one of {[*DTYPES.values()]}. Received: {array.dtype}"
        )
    return array


def check_names(signature, arrays):
    """Raise unless arrays have the names of a signature's inputs.

    Raises:
        RequestError: `INVALID_ARGUMENT`, naming what was expected and received.
    """
    unknown = arrays.keys() - signature.inputs.keys()
    missing = signature.inputs.keys() - arrays.keys() - signature.defaults.keys()
    if unknown or missing:
        raise RequestError(
            "INVALID_ARGUMENT",
            f"Expected the inputs {[*signature.inputs]}. Received: {[*arrays]}",
        )


def check_values(signature, arrays):
    """Raise unless arrays have the types and shapes of a signature's inputs.

    Raises:
        RequestError: `INVALID_ARGUMENT`, naming what was expected and received.
    """
    for name, array in arrays.items():
        _, dtype, shape = signature.inputs[name]
        fits = shape is None or (
            array.ndim == len(shape)
            and all(side in (None, own) for side, own in zip(shape, array.shape, strict=True))
        )
        if array.dtype.name != dtype or not fits:
            raise RequestError(
                "INVALID_ARGUMENT",
                f"Expected {name} to be {dtype} of shape {shape}. "
                f"Received: {array.dtype.name} of shape {array.shape}",
            )
