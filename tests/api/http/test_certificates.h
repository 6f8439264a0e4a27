// Certificates made for one test by the openssl command: an authority, another one, and what they signed.
#ifndef CODELORE_TESTS_API_TEST_CERTIFICATES_H_
#define CODELORE_TESTS_API_TEST_CERTIFICATES_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "api/http/tls.h"
#include "support/temp_folder.h"

namespace codelore::api {

class TestCertificates {
 public:
  // "ca" and "other-ca" are authorities. NAME -> NAME.pem with NAME.key.
  TestCertificates() {
    folder_.Write("make.sh", R"(set -e
key() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; chmod 600 $1.key; }
authority() { key $1; openssl req -x509 -new -key $1.key -subj "/CN=$1" -days 2 -addext basicConstraints=critical,CA:TRUE -addext keyUsage=keyCertSign -out $1.pem; }
sign() {  # NAME AUTHORITY SUBJECT ALTERNATIVE-NAMES [FROM TO]
  key $1
  openssl req -new -key $1.key -subj "$3" -out $1.csr
  printf 'basicConstraints=CA:FALSE\n' >$1.ext
  [ -z "$4" ] || printf 'subjectAltName=%s\n' "$4" >>$1.ext
  mkdir -p db; : >db/$1.txt; echo 01 >db/$1.serial
  openssl ca -batch -notext -in $1.csr -out $1.pem -cert $2.pem -keyfile $2.key -extfile $1.ext -config <(printf '[ca]\ndefault_ca=d\n[d]\ndatabase=db/'$1'.txt\nserial=db/'$1'.serial\nnew_certs_dir=db\ndefault_md=sha256\npolicy=p\nemail_in_dn=no\ncopy_extensions=none\nunique_subject=no\n[p]\ncommonName=optional\nemailAddress=optional\n') -startdate ${5:-20200101000000Z} -enddate ${6:-20990101000000Z}
}
authority ca; authority other-ca
sign server ca /CN=server "DNS:localhost,IP:127.0.0.1"
sign elsewhere ca /CN=127.0.0.1 "DNS:elsewhere.example.com"
sign expired ca /CN=server "DNS:localhost,IP:127.0.0.1" 20200101000000Z 20210101000000Z
sign stranger other-ca /CN=server "DNS:localhost,IP:127.0.0.1"
key selfsigned; openssl req -x509 -new -key selfsigned.key -subj /CN=localhost -days 2 -addext "subjectAltName=IP:127.0.0.1" -out selfsigned.pem
sign ann ca /CN=ann "email:ann@example.com"
sign two ca "/CN=ann/CN=eve" "email:ann@example.com,email:eve@example.com"
sign nobody ca /CN= ""
sign old-ann ca /CN=ann "" 20200101000000Z 20210101000000Z
sign false-ann other-ca /CN=ann ""
)");
    std::string command = "cd " + folder_.path() + " && bash make.sh >log 2>&1";
    EXPECT_EQ(std::system(command.c_str()), 0) << testing::ReadFile(folder_ / "log");
  }

  std::string File(const std::string& name) const { return folder_ / name; }
  TlsFiles Server(const std::string& name = "server") const { return {.certificate = File(name + ".pem"), .key = File(name + ".key")}; }
  std::shared_ptr<const TlsContext> Trust(const std::string& authority = "ca") const { return TlsContext::ForClients(File(authority + ".pem")).value(); }

 private:
  testing::TempFolder folder_;
};

}  // namespace codelore::api

#endif  // CODELORE_TESTS_API_TEST_CERTIFICATES_H_
