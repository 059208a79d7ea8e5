"""What the tests of backups share."""

import pytest
from backed_up import MODELS, run

from tests.integration import small


@pytest.fixture(scope="module", autouse=True)
def let_go_of_models():
    yield
    MODELS.clear()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the state and history of a run that never stopped, and where its backups are."""
    path = tmp_path_factory.mktemp("whole")
    model, history = run(path)
    return small.state(model), history.history, path
