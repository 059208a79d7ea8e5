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
    model, history = run(tmp_path_factory.mktemp("whole"))
    return small.state(model), history.history
