"""What measurers by the file of one model share."""

import pytest

from refinery.definition.paths import ModelUse
from refinery.errors import InputError
from refinery.filters.model_measurer import used_file
from refinery.filters.nearest import Nearest


def test_a_model_that_is_not_made_is_no_file_and_told_with_what_to_do():
    """Until the run makes it a measurer knows how, and shows it as its setting."""
    planned = Nearest(None, "recipe", models=("like",))
    assert (planned.files, planned.settings) == ((), {"model": "recipe"})
    with pytest.raises(InputError, match=r"like: .* not made yet \(run its definition\)"):
        _ = planned.made_path


def test_the_file_is_itself_or_in_its_folder(tmp_path):
    """A folder is that of a model with its card."""
    file = tmp_path / "model.npz"
    file.touch()
    assert used_file(ModelUse(None), "model.npz") is None
    assert used_file(ModelUse(tmp_path), "model.npz") == used_file(ModelUse(file), "model.npz") == file
