"use strict";
const byId = id => document.getElementById(id);
const keys = { photograph: null, painting: null };
const settings = ["strength", "content_weight", "style_scale", "color"];
let wish = new AbortController();
let waiting = null;
const turns = { photograph: 0, painting: 0 };

const say = text => { byId("status").textContent = text; };
const complain = text => { byId("error").textContent = text; };

async function post(path, body, headers = {}, signal = undefined) {
  const answer = await fetch(path, { method: "POST", body, headers, signal });
  if (!answer.ok) throw new Error((await answer.json()).error);
  return answer;
}

function show(role, key, name) {
  keys[role] = key;
  const label = byId(role).closest("label");
  const image = label.querySelector("img");
  image.src = `pictures/${key}`;
  image.hidden = false;
  label.querySelector("span").textContent = name;
  if (role === "painting") return;
  byId("before").src = image.src;
  byId("after").removeAttribute("src");
  byId("views").hidden = false;
}

async function take(role, name, send) {
  const turn = ++turns[role];
  complain("");
  say(`Reading ${name} …`);
  try {
    const { key } = await (await send()).json();
    if (turn !== turns[role]) return;  // another one was dropped meanwhile
    show(role, key, name);
    if (keys.photograph && keys.painting) redraw();
    else say(`Now choose a ${keys.photograph ? "painting" : "photograph"}.`);
  } catch (error) {
    say("");
    complain(error instanceof TypeError ? `${name} could not be sent; is it too large, or has skisp app ended?` : error.message);
  }
}

function takeFile(role, file) {
  if (!file) return;
  if (role === "painting") byId("kind").value = "";
  take(role, file.name, () => post(role, file, { "X-Name": encodeURIComponent(file.name) }));
}

const look = () => Object.fromEntries(settings.map(id => [id, id === "color" ? byId(id).value : Number(byId(id).value)]));

// Ask for a picture; lines of progress come first, the result last.
async function ask(full, signal) {
  const wanted = JSON.stringify({ content: keys.photograph, style: keys.painting, look: look(), full });
  const reader = (await post("redraw", wanted, {}, signal)).body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ;) {
    const { value, done } = await reader.read();
    if (done) throw new Error("The answer ended too early.");
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines.map(text => JSON.parse(text))) {
      if (line.error) throw new Error(line.error);
      if (line.result) return line.result;
      say(`${line.doing[0].toUpperCase()}${line.doing.slice(1)}: ${Math.round(100 * line.share)}%`);
      byId("progress").value = line.share;
    }
  }
}

// A small picture at once, then the one at full size, unless something else is wished for before.
async function redraw() {
  if (!keys.photograph || !keys.painting) return;
  wish.abort();
  const { signal } = wish = new AbortController();
  byId("download").hidden = true;
  byId("progress").hidden = false;
  complain("");
  try {
    for (const full of [false, true]) {
      const result = await ask(full, signal);
      byId("after").src = `results/${result.key}`;
      await byId("after").decode().catch(() => {});
      if (signal.aborted) return;
      if (full) {
        Object.assign(byId("download"), { href: `results/${result.key}`, download: result.name, hidden: false });
        say("Done, at full size.");
      } else {
        say("A preview; the picture at full size follows.");
        await new Promise(go => setTimeout(go, 500));
        if (signal.aborted) return;
      }
    }
  } catch (error) {
    if (signal.aborted) return;
    say("");
    complain(error instanceof TypeError ? "skisp app does not answer; has it ended?" : error.message);
  }
  byId("progress").hidden = true;
}

for (const role of Object.keys(keys)) {
  const input = byId(role), label = input.closest("label");
  input.addEventListener("click", () => { input.value = ""; });  // so that the same file can be chosen again
  input.addEventListener("change", () => takeFile(role, input.files[0]));
  label.addEventListener("dragover", event => { event.preventDefault(); label.classList.add("over"); });
  label.addEventListener("dragleave", () => label.classList.remove("over"));
  label.addEventListener("drop", event => {
    event.preventDefault();
    label.classList.remove("over");
    takeFile(role, event.dataTransfer.files[0]);
  });
}
byId("kind").addEventListener("change", ({ target }) => {
  const name = target.selectedOptions[0].textContent;
  if (target.value) take("painting", name, () => post("procedural", target.value));
});
for (const id of settings) {
  const input = byId(id), shown = input.closest("label").querySelector("output");
  const tell = () => { if (shown) shown.textContent = Number(input.value).toFixed(2); };
  tell();
  input.addEventListener("input", () => { tell(); clearTimeout(waiting); waiting = setTimeout(redraw, 150); });
}
byId("divider").addEventListener("input", event => byId("views").style.setProperty("--at", `${event.target.value}%`));
// What is dropped beside the places for it must not replace the page.
for (const name of ["dragover", "drop"]) addEventListener(name, event => event.preventDefault());
