"""The manifest is documented by a JSON schema that it keeps."""

import json

import jsonschema

from ccft.publish.data_exports.manifest import Manifest, read_manifest, schema_text
from tests.unit.publish.data_exports.deliveries import delivered_manifest


def test_the_documented_schema_is_current(repository_root):
    page = (repository_root / "docs" / "export-manifest.schema.json").read_text(encoding="utf-8")
    assert page == schema_text(), "python -m ccft.publish.data_exports.manifest > docs/export-manifest.schema.json"


def test_a_delivered_manifest_keeps_the_schema():
    schema = json.loads(schema_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    found = json.loads(delivered_manifest().text)
    validator.validate(found)
    assert not validator.is_valid(found | {"payer_account_id": "42"})
    assert not validator.is_valid(found | {"surprise": 1})
    assert set(schema["required"]) == set(Manifest.model_fields)


def test_reading_back_is_the_identity_and_other_texts_are_none():
    manifest = delivered_manifest()
    assert read_manifest(manifest.text) == manifest
    for text in (b"", b"{}", b"[]", b"\xff", manifest.text[:-20], manifest.text.replace(b'"1.0"', b'"9.0"')):
        assert read_manifest(text) is None
