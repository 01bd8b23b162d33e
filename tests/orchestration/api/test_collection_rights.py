"""A collection in a bucket, looked at by people of each role: who looks may not change, and a bucket is read by range."""

import io

import pytest
from PIL import Image

from orchestration.services.access import passwords
from orchestration.services.access.actor import Actor, Role, Scope
from orchestration.services.access.tokens import create_token
from orchestration.services.access.users import add_user
from resources.connectors.s3.client import S3Settings
from resources.connectors.s3.connector import S3Connector, S3Keys
from resources.stores.catalog.database import CatalogDatabase
from tests.gallery import YAML, import_items
from tests.resources.media import media_files as make
from tests.served import served

SHELL = Actor("root", via="shell")
PASSWORD = "correct horse battery"
PEOPLE = {"ada": Role.ADMIN, "olga": Role.OPERATOR, "vic": Role.VIEWER}
FOLDER = "type: resources.FolderConnector\nattributes: {name: lake, root: lake}"


@pytest.fixture(scope="module")
def bucket(s3_server):
    name = s3_server.new_bucket()
    files = {"a b.jpg": make.noise(), "clip.webm": make.video("webm"), "deep/c.png": make.image()}
    for key, data in files.items():
        s3_server.client.put_object(Bucket=name, Key=key, Body=data)
    return name, files


@pytest.fixture(scope="module")
def shop(tmp_path_factory, s3_server, bucket):
    name, _ = bucket
    lake = (
        f"type: resources.S3Connector\nattributes: {{name: lake, bucket: {name}, endpoint_url: '{s3_server.url}',"
        " access_key: {env: SHOP_KEY}, secret_key: {env: SHOP_SECRET}}"
    )
    variables = {"SHOP_KEY": s3_server.access_key, "SHOP_SECRET": s3_server.secret_key}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "COST", passwords._Cost(4, 8, 1))
        folder, files = tmp_path_factory.mktemp("shop"), {"defs.yaml": YAML.replace(FOLDER, lake)}
        with served(folder, files, variables=variables) as found:
            keys = S3Keys(s3_server.access_key, s3_server.secret_key, "")
            connector = S3Connector(
                "lake", bucket=name, settings=S3Settings(s3_server.url, None, None), keys=keys
            )
            urls = [f"s3://{name}/a%20b.jpg", f"s3://{name}/deep/c.png", f"s3://{name}/gone.png"]
            sections = {
                "images": [{"objectUrl": url} for url in urls],
                "videos": [{"objectUrl": f"s3://{name}/clip.webm"}],
            }
            import_items(found.home.root, "photos", sections, connector=connector)
            database = CatalogDatabase.open()
            for person, role in PEOPLE.items():
                add_user(database, SHELL, name=person, role=role, password=PASSWORD)
            found.database = database
            yield found


@pytest.fixture(scope="module")
def person(shop):
    """A client with a token of somebody."""
    made = {}

    def client(name):
        if name not in made:
            token = create_token(shop.database, SHELL, user=name, alias="t", scopes=tuple(Scope))
            made[name] = shop.client(headers={"Authorization": f"Bearer {token.secret}"})
        return made[name]

    yield client
    for found in made.values():
        found.close()


def test_a_viewer_looks_at_all_of_a_bucket(shop, person, bucket):
    name, files = bucket
    viewer, base = person("vic"), f"{shop.api}/collections/photos/items"
    found = {item["urls"][0]: item for item in viewer.get(base).json()["items"]}
    assert [found[f"s3://{name}/{key}"]["state"] for key in ("a%20b.jpg", "gone.png")] == ["ready", "failed"]  # fmt: skip
    image, clip = (found[f"s3://{name}/{key}"]["id"] for key in ("a%20b.jpg", "clip.webm"))
    part = viewer.get(f"{base}/{clip}/content", headers={"Range": "bytes=100-299"})
    assert (part.status_code, part.content) == (206, files["clip.webm"][100:300])
    whole = viewer.get(f"{base}/{image}/content")
    assert whole.content == files["a b.jpg"]
    assert "filename*=UTF-8''a%20b.jpg" in whole.headers["content-disposition"]
    small = viewer.get(f"{base}/{image}/thumbnail")
    assert max(Image.open(io.BytesIO(small.content)).size) == 320


def test_who_looks_may_not_change(shop, person):
    base = f"{shop.api}/collections/photos/items"
    item = person("vic").get(base).json()["items"][0]["id"]
    changes = {
        "rename": ("PATCH", f"{base}/{item}", {"title": "new"}, {"ada", "olga"}),
        "merge": ("PATCH", f"{base}/{item}/metadata", {"note": "x"}, {"ada", "olga"}),
        "move": ("POST", f"{base}/-/move", {"items": [item], "folder": "x"}, {"ada", "olga"}),
        "remove": ("POST", f"{base}/-/remove", {"items": [item]}, {"ada"}),
    }
    for change, (method, path, body, allowed) in changes.items():
        for name in ("vic", "olga", "ada"):
            answer = person(name).request(method, path, json=body)
            assert answer.status_code == (200 if name in allowed else 403), (change, name)
    with shop.client() as nobody:
        for rest in ("", f"/{item}", f"/{item}/content", f"/{item}/thumbnail", f"/{item}/picture"):
            assert nobody.get(f"{base}{rest}").status_code == 401, rest
