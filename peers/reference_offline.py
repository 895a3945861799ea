#!/usr/bin/env python3
"""The command line of release 1.0.1 or 0.3.1 of the reference, without a network.

    reference_offline.py sign|verify key ...

Both build a Sigstore signer before any other, and that refreshes its metadata over the network.
"""

import sys

from model_signing import signing
from model_signing._cli import main

signing.Config.use_sigstore_signer = lambda self, **options: self

sys.exit(main(prog_name="model_signing"))
