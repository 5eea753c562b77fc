#!/usr/bin/env bash
# The first ten minutes of somebody with photographs: in an empty folder, where README's first command has installed skisp
# and "pip install av" what films need. Makes pictures to begin with, since nobody's own are here.
set -euo pipefail

python - <<'END'
from skisp.datasets import load_photograph, make_style_image
from skisp.io import write_film, write_image

photograph = load_photograph("china", size=200)
write_image("photo.jpg", photograph)
write_image("painting.jpg", make_style_image("brush_strokes", size=(133, 200), random_state=0))
write_film("film.mp4", (photograph[:96, i : i + 96] for i in range(20)), frame_rate=10)  # two seconds
END

echo "== one photograph"
skisp propagate photo.jpg --style painting.jpg -o picture.jpg

echo "== the page"
skisp app --no-browser > address.txt &
app=$!
trap 'kill "$app" 2> /dev/null || true' EXIT
python - <<'END'
import json
import re
import time
import urllib.request
from pathlib import Path

for _ in range(600):
    if found := re.search(r"http://[\w.:]+", Path("address.txt").read_text()):
        break
    time.sleep(0.1)
address = found[0].rstrip("/")


def asked(path, data=None, **headers):
    with urllib.request.urlopen(urllib.request.Request(address + path, data, headers), timeout=120) as answer:
        return answer.read()


assert b"<html" in asked("/")
keys = {}
for role, name in {"photograph": "photo.jpg", "painting": "painting.jpg"}.items():
    keys[role] = json.loads(asked(f"/{role}", Path(name).read_bytes(), **{"X-Name": name}))["key"]
wish = {"content": keys["photograph"], "style": keys["painting"], "look": {"strength": 0.7}, "full": True}
result = json.loads(asked("/redraw", json.dumps(wish).encode()).splitlines()[-1])["result"]
Path("downloaded.jpg").write_bytes(asked(f"/results/{result['key']}"))
END
kill -INT "$app"

echo "== a sheet"
skisp compare photo.jpg --style painting.jpg --strength 0.5 1 --size 120 -o sheet.png

echo "== a film of two seconds"
skisp sequence film.mp4 --style painting.jpg -o out.mp4

python - <<'END'
from skisp.io import read_film, read_image

shape = read_image("photo.jpg").shape
assert read_image("picture.jpg").shape == read_image("downloaded.jpg").shape == shape
assert read_image("sheet.png").shape[1] > 240
assert [frame.shape for frame in read_film("out.mp4")] == [(96, 96, 3)] * 20
print("all is there")
END
