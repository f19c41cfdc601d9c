"""Tells a motor's state by what its sensors measure, with the model of the artifact."""

import os

import numpy
import onnxruntime

_options = onnxruntime.SessionOptions()
_options.intra_op_num_threads = _options.inter_op_num_threads = 1  # a small model gains nothing from more
_model = onnxruntime.InferenceSession(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "model.onnx"), _options, providers=["CPUExecutionProvider"]
)
_states = _model.get_modelmeta().custom_metadata_map["states"].split(",")
_features = ("vibration", "temperature", "current")


def handle(event, context):
    reading = numpy.array([[float(event[name]) for name in _features]], numpy.float32)
    probabilities = _model.run(["probabilities"], {"reading": reading})[0][0]
    best = int(probabilities.argmax())
    return {"state": _states[best], "probability": round(float(probabilities[best]), 3)}
