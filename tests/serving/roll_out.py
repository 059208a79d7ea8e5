"""TensorFlow Serving's rules for a configuration of versions and labels, as far as a roll-out goes.

From its source: `ServerCore::ReloadConfig` and `UpdateModelVersionLabelMap` (server_core.cc),
`AspireSpecificVersions` (file_system_storage_path_source.cc), `GetModelMetadataImpl`.
"""

import dataclasses

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2


class Refused(Exception):
    """What a server logs of a configuration that it does not take."""


@dataclasses.dataclass
class Server:
    """One model of a server that polls its configuration and its base directory.

    Args:
        disk: the versions in the base directory: changed as they are exported and removed.
        allows: whether labels that are new may name versions that are not loaded.

    Attributes:
        labels: versions by label.
        wanted: the versions that are to be loaded.
        available: those that are.
    """

    disk: set
    allows: bool = True
    labels: dict = dataclasses.field(default_factory=dict)
    wanted: set = dataclasses.field(default_factory=set)
    available: set = dataclasses.field(default_factory=set)

    def poll(self, config):
        """Take a configuration: labels first, and versions only if those are right.

        Raises:
            Refused: when a label moves to a version that is not available; nothing changes then.
        """
        for label, version in config.version_labels.items():
            moves = label in self.labels and self.labels[label] != version
            if version not in self.available and (moves or not self.allows):
                raise Refused(f"Request to assign label to version {version}, not available")
        self.labels = dict(config.version_labels)
        self.wanted = set(config.model_version_policy.specific.versions)

    def load(self):
        """Load what is wanted and there, and unload what is not."""
        self.available = self.wanted & self.disk

    def answers(self, label):
        return self.labels.get(label) in self.available


def config(text):
    """Return the configuration of one model from its text, checked by the server's own schema."""
    return text_format.Parse(text, model_server_config_pb2.ModelConfig())
