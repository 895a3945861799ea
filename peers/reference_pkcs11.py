#!/usr/bin/env python3
"""The command line of release 1.1.1 of the reference, with a `sign pkcs11-certificate` that works.

    reference_pkcs11.py sign pkcs11-certificate ...

As released, it fails: it gives certificates as DER where sigstore-models wants base64, and leaves out
the required list of log entries. Its `sign certificate` does neither, from the same two fields.
"""

import sys

from model_signing._cli import main
from model_signing._signing import sign_certificate, sign_pkcs11

sign_pkcs11.CertSigner._get_verification_material = (
    sign_certificate.Signer._get_verification_material
)

sys.exit(main(prog_name="model_signing"))
