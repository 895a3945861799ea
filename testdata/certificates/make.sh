#!/usr/bin/env bash
# Makes the certificates of the tests, for the keys in ../keys, which are no secrets. The keys of the
# authorities are thrown away, so nothing more can be issued under them.
set -euo pipefail
cd "$(dirname "$0")"
here=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

configuration() {
  printf '[ca]\ndefault_ca=this\n[this]\ndatabase=%s/index\nserial=%s/serial\nnew_certs_dir=%s\n' "$1" "$1" "$1"
  printf 'crlnumber=%s/crlnumber\n' "$1"
  printf 'default_md=sha256\npolicy=any\nunique_subject=no\ncopy_extensions=none\n[any]\n'
  printf 'countryName=optional\norganizationName=optional\ncommonName=optional\n'
}

# authority NAME: an empty register and a key.
authority() {
  mkdir "$1"
  : >"$1/index"
  echo 01 >"$1/crlnumber"
  configuration "$1" >"$1/configuration"
  openssl ecparam -name secp384r1 -genkey -noout -out "$1.key"
}

# issue FILE SUBJECT KEY AUTHORITY FROM TO EXTENSIONS: with a serial number that is the same each time.
issue() {
  printf '%s' "$1" | sha256sum | cut -c1-16 | sed 's/^./5/' >"$4/serial"
  openssl req -new -key "$3" -subj "$2" -out request
  printf "$7" >extensions
  openssl ca -batch -notext -config "$4/configuration" -in request -out "$1.pem" -startdate "$5" -enddate "$6" \
    -extfile extensions $([ "$1" = "$4" ] && echo "-selfsign -keyfile $4.key" || echo "-cert $4.pem -keyfile $4.key") \
    2>/dev/null
}

from=20260101000000Z
to=21260101000000Z
signs='keyUsage=critical,digitalSignature\n'
code='extendedKeyUsage=codeSigning\n'
issues='basicConstraints=critical,CA:TRUE%s\nkeyUsage=critical,keyCertSign,cRLSign\n'
key=$here/../keys/p256.pem

authority root
issue root '/O=Acme/CN=Acme Root' root.key root $from $to "$(printf "$issues" '')"
authority other-root
issue other-root '/O=Other/CN=Other Root' other-root.key other-root $from $to "$(printf "$issues" '')"
authority issuing-ca
issue issuing-ca '/O=Acme/CN=Acme Issuing CA' issuing-ca.key root $from $to "$(printf "$issues" ',pathlen:0')"

issue release '/O=Acme/CN=Model Release' "$key" issuing-ca $from $to "$signs$code"
issue release-ed25519 '/O=Acme/CN=Model Release' "$here/../keys/ed25519.pem" issuing-ca $from $to "$signs$code"
issue rsa '/O=Acme/CN=Old Release' "$here/../keys/rsa.pem" issuing-ca $from $to "$signs$code"
issue expired '/O=Acme/CN=Model Release' "$key" issuing-ca 20260101000000Z 20260201000000Z "$signs$code"
issue tls '/O=Acme/CN=www.acme.example' "$key" issuing-ca $from $to "${signs}extendedKeyUsage=serverAuth\n"
issue marked '/O=Acme/CN=Acme Issuing CA' "$key" issuing-ca $from $to "basicConstraints=critical,CA:TRUE\n$signs$code"
issue revoked '/O=Acme/CN=Model Release' "$key" issuing-ca $from $to "$signs$code"

openssl ca -config issuing-ca/configuration -cert issuing-ca.pem -keyfile issuing-ca.key -revoke revoked.pem 2>/dev/null
for name in root issuing-ca; do
  openssl ca -gencrl -config $name/configuration -cert $name.pem -keyfile $name.key -out $name.crl \
    -crl_lastupdate $from -crl_nextupdate $to 2>/dev/null
done
openssl ca -gencrl -config issuing-ca/configuration -cert issuing-ca.pem -keyfile issuing-ca.key -out stale.crl \
  -crl_lastupdate 20260101000000Z -crl_nextupdate 20260201000000Z 2>/dev/null

cat release.pem issuing-ca.pem >full-chain.pem
cp root.pem other-root.pem issuing-ca.pem release.pem release-ed25519.pem full-chain.pem \
  rsa.pem expired.pem tls.pem marked.pem revoked.pem root.crl issuing-ca.crl stale.crl "$here"
