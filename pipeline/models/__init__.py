"""Every architecture, and what they are built of; saved networks need it loaded."""

from pipeline.settings.backend import load_keras

load_keras()

from pipeline.models import (  # noqa: E402, F401  their layers become known to Keras
    applications,
    dieleman2014,
    equivariance,
    heads,
    layers,
)
