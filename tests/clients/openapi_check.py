"""The server's /openapi.json against the OpenAPI 3.1 specification, by openapi-spec-validator of PyPI. SERVER and TOKEN in the environment."""
import json
import os
import urllib.request

import openapi_spec_validator

request = urllib.request.Request(os.environ["SERVER"] + "/openapi.json", headers={"Authorization": "Bearer " + os.environ["TOKEN"]})
document = json.load(urllib.request.urlopen(request))
assert document["openapi"].startswith("3.1.")
openapi_spec_validator.validate(document, cls=openapi_spec_validator.OpenAPIV31SpecValidator)
names = [operation["operationId"] for path in document["paths"].values() for operation in path.values() if "operationId" in operation]
assert len(names) == len(set(names))
print(f"openapi.json is valid: {len(document['paths'])} paths")
