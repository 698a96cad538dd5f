"""The examples do what they say."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from pycosim.runner import run

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("notebook", sorted(EXAMPLES.glob("*.ipynb")), ids=lambda path: path.name)
def test_a_notebook_runs_from_top_to_bottom(notebook, tmp_path):
    content = nbformat.read(notebook, as_version=4)
    NotebookClient(content, timeout=300, resources={"metadata": {"path": tmp_path}}).execute()
    outputs = [output for cell in content.cells for output in cell.get("outputs", [])]
    assert any(output.output_type == "display_data" for output in outputs)


def test_the_balanced_network_fires_irregularly_at_moderate_rates():
    result = run(EXAMPLES / "balanced_network.py", "native", quiet=True)
    assert result.error is None
    n_spikes = (result.spike_neurons < 400).sum()
    assert 3.0 < n_spikes / 400 / 0.5 < 30.0  # spikes per second and neuron
