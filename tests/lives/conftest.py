from tests.networks.conftest import exactly as exactly
