from tests.docker.conftest import apart as apart
from tests.docker.conftest import api as api
from tests.docker.conftest import here as here
from tests.docker.conftest import link_image as link_image
from tests.networks.conftest import exactly as exactly
