"""The client and the servers that its tests share."""

import pytest
from absl import flags
from absl.testing import flagsaver

from tests.examples import scripts

from . import clients, model_server, servers


@pytest.fixture(scope="module")
def script():
    """The script, whose flags are there as long as this module's tests run."""
    with scripts.loaded(clients.SCRIPT) as module:
        yield module


@pytest.fixture
def run(script, capsys):
    """Return a function that runs the script and returns what it printed."""

    def run(*arguments):
        with flagsaver.flagsaver():
            flags.FLAGS(["serving_client.py", *map(str, arguments)])
            script.main([])
        return capsys.readouterr().out

    return run


@pytest.fixture
def refusal(run):
    """Return a function that runs the script and returns how it explains that it failed."""

    def refusal(*arguments):
        with pytest.raises(SystemExit) as error:
            run(*arguments)
        text = str(error.value.code)
        assert text.startswith("error: ") and "Traceback" not in text and "{{node" not in text
        return text

    return refusal


@pytest.fixture(scope="module")
def model():
    return clients.build()


@pytest.fixture(scope="module")
def base(model, tmp_path_factory):
    """The base directory of an export: version 1 alone."""
    base = tmp_path_factory.mktemp("served") / "digits"
    model.export(base, max_batch_size=clients.ROWS)
    return base


@pytest.fixture(scope="module", params=model_server.KINDS)
def served(request, base):
    """The ports of a server of version 1."""
    with model_server.KINDS[request.param]("digits", base) as running:
        yield running


@pytest.fixture
def local(base):
    """A server in this process by itself, to be slowed down and counted on."""
    with servers.in_process("digits", base, labels={"stable": 1}) as running:
        yield running


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """A conditional model of three labels, and the server of its export."""
    model = clients.build(classes=3)
    base = tmp_path_factory.mktemp("served") / "labelled"
    model.export(base)
    with servers.in_process("labelled", base) as running:
        yield model, running
