# 1.0.1 and 0.3.1 build a Sigstore signer (network) in signing.Config(): replace that with nothing.
import sys
from model_signing import signing
signing.Config.use_sigstore_signer = lambda self, **kw: self
from model_signing._cli import main
sys.exit(main(prog_name="model_signing"))
