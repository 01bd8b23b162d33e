// Sends files in pieces by the tus protocol, a few at a time; with `data-next` one file, which that page goes on with. The same files chosen again, after a reload for instance,
// go on where they were: each is announced with a key that is made of the set and the file.
"use strict";

(() => {
  const form = document.getElementById("upload");
  const chooser = document.getElementById("file");
  const drop = document.getElementById("drop");
  const mode = document.getElementById("mode");
  const again = document.getElementById("again");
  const without = document.getElementById("without");
  // `claim`: one ZIP, which becomes an image folder; `next`: one file, which that page takes; `collect`: the ids of all files go into
  // this field of the form, which is sent then; `endings`: those that are taken, separated by blanks.
  const { api, base, limit, claim, next, collect, endings } = form.dataset;
  const PIECE = 8_000_000, AT_ONCE = 4, TRIES = 8, SHOWN = 200, IN_A_ROW = 25, TABLE_FROM = 50;
  const TUS = { "Tus-Resumable": "1.0.0" };
  const ELSEWHERE = [423, 502, 503, 504]; // another request is at it, or the server is just starting
  const BYTES = "application/offset+octet-stream";
  let chosen = [], act = "";

  chooser.multiple = !claim && !next;

  const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
  const size = (bytes) => bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
  const count = (number) => number.toLocaleString("en");
  const wait = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));
  const digest = async (text) => {
    const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
    return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
  };

  // What cannot be seen, or turns the direction of what follows, is written out as its code, as in pages.
  const visible = (text) => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (one) => `\\u${one.codePointAt(0).toString(16).padStart(4, "0")}`);

  class Refused extends Error {
    constructor(message, status) { super(message); this.status = status; }
  }

  async function refusal(answer) {
    if (answer.status === 401) return new Refused("You are signed out: sign in in another tab, then try again", 401);
    try {
      const told = await answer.json();
      return new Refused(told.hint ? `${told.detail}. ${told.hint}` : told.detail || `status ${answer.status}`, answer.status);
    } catch {
      return new Refused(`status ${answer.status}`, answer.status);
    }
  }

  // An answer that is no "later": more than the server takes at once is sent again.
  async function ask(method, place, headers, body) {
    for (;;) {
      const answer = await fetch(place, { method, headers: { ...TUS, ...headers }, body });
      if (answer.status !== 429) return answer;
      await wait(Number(answer.headers.get("Retry-After")) || 2);
    }
  }

  async function announce(item, table) {
    const pairs = [`filename ${base64(item.file.name)}`];
    if (table) pairs.push(`part_of ${base64(table)}`);
    const headers = { "Upload-Length": String(item.file.size), "Upload-Metadata": pairs.join(","), "Idempotency-Key": item.key };
    const isSmall = item.file.size > 0 && item.file.size <= PIECE;
    if (isSmall) headers["Content-Type"] = BYTES;
    const answer = await ask("POST", api, headers, isSmall ? item.file : undefined);
    if (ELSEWHERE.includes(answer.status)) throw new TypeError("the page before is still at it");
    if (!answer.ok) throw await refusal(answer);
    return { place: answer.headers.get("Location"), offset: Number(answer.headers.get("Upload-Offset")) };
  }

  // What an import task goes into: items of a collection have the endings that are listed, other targets read their files themselves.
  const listsEndings = () => Boolean(endings) && /^$|^collection:|^new:collection$/.test(form.elements.target ? form.elements.target.value : "");

  // What would be refused anyway is not sent.
  function checkTaken(file) {
    if (file.size > Number(limit)) throw new Refused(`more than ${size(Number(limit))}`, 413);
    const ending = /\.[^.]*$/.exec(file.name.toLowerCase());
    if (listsEndings() && !(ending && endings.split(" ").includes(ending[0]))) throw new Refused(ending ? `files that end in ${ending[0]} are not taken` : "a file without an ending is not taken", 415);
  }

  async function checkReadable(file, offset) {
    try {
      await file.slice(offset, offset + 1).arrayBuffer();
    } catch {
      throw new Refused("it cannot be read: it was changed, moved or removed, or is a folder", 0);
    }
  }

  // The whole file; `tell` hears how many bytes are there. Returns the upload's id.
  async function send(item, table, tell) {
    const { file } = item;
    let begun = null;
    for (let tries = 0; tries < TRIES;) {
      try {
        begun = begun || await announce(item, table);
        tell(begun.offset);
        while (begun.offset < file.size) {
          const headers = { "Upload-Offset": String(begun.offset), "Content-Type": BYTES };
          const answer = await ask("PATCH", begun.place, headers, file.slice(begun.offset, begun.offset + PIECE));
          if (ELSEWHERE.includes(answer.status) || [404, 409].includes(answer.status)) throw new TypeError("it stands elsewhere");
          if (!answer.ok) throw await refusal(answer);
          begun.offset = Number(answer.headers.get("Upload-Offset"));
          tell(begun.offset);
          tries = 0;
        }
        return begun.place.split("/").pop();
      } catch (error) {
        if (!(error instanceof TypeError)) throw error; // the server said no
        await checkReadable(file, begun ? begun.offset : 0);
        begun = null; // the line was cut: ask where it stands
        tries += 1;
        await wait(tries);
      }
    }
    throw new Refused("the connection was lost again and again", 0);
  }

  async function importAs(id, item) {
    const body = JSON.stringify({ name: item.dataset });
    const answer = await ask("POST", `${api}/${id}/import`, { "Content-Type": "application/json" }, body);
    if (!answer.ok) throw await refusal(answer);
    const link = document.createElement("a");
    link.href = `${base}/datasets/upload/${id}/progress`;
    link.textContent = `imported as ${item.dataset}`;
    return link;
  }

  async function claimImages(id) {
    const body = JSON.stringify({ name: form.elements.name.value.trim(), upload_id: id });
    const answer = await ask("POST", claim, { "Content-Type": "application/json" }, body);
    if (!answer.ok) throw await refusal(answer);
    return "is there";
  }

  function proposedName(file) {
    const stem = file.name.split(".")[0].toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "") || "upload";
    return (/^[a-z]/.test(stem) ? stem : `d_${stem}`).slice(0, 90);
  }

  function nameDatasets(items) {
    const names = new Set();
    for (const item of items) {
      const plain = proposedName(item.file);
      let name = plain;
      for (let number = 2; names.has(name); number += 1) name = `${plain}_${number}`;
      names.add(name);
      item.dataset = name;
    }
  }

  // Files in an order of their own, each with a key that it has again when the same set is chosen again.
  async function makeSet(files, isTable) {
    const marks = new Map();
    const items = files.map((file) => {
      const mark = `${file.path || file.webkitRelativePath || file.name} ${file.size} ${file.lastModified}`;
      const turn = (marks.get(mark) || 0) + 1;
      marks.set(mark, turn);
      return { file, mark: `${mark} ${turn}`, sent: 0, id: "", failure: "", row: null };
    }).sort((a, b) => (a.mark < b.mark ? -1 : 1));
    nameDatasets(items);
    const place = `waybill ${api} ${isTable} ${await digest(items.map((item) => item.mark).join("\n"))}`;
    let id = "";
    try {
      id = localStorage.getItem(place) || crypto.randomUUID();
      localStorage.setItem(place, id);
    } catch { id = id || crypto.randomUUID(); /* full or off: then it begins anew after a reload */ }
    await Promise.all(items.map(async (item) => { item.key = await digest(`${id} ${item.mark}`); }));
    return { id, items, isTable, forget() { try { localStorage.removeItem(place); } catch { /* off */ } } };
  }

  function say(item, number, what) {
    if (!item.row && (number < SHOWN || item.failure)) {
      item.row = document.getElementById("files").insertRow();
      const name = document.createElement("bdi");
      name.textContent = visible(item.file.path || item.file.name);
      const cell = item.row.insertCell();
      cell.className = "long";
      cell.append(name);
      item.row.insertCell().textContent = size(item.file.size);
      item.row.insertCell();
    }
    if (item.row) item.row.cells[2].replaceChildren(what);
  }

  class Sending {
    constructor(set) {
      this.set = set;
      this.total = set.items.reduce((sum, item) => sum + item.file.size, 0);
      this.bytes = this.done = this.inARow = 0;
      this.failed = [];
      this.refused = new Set(); // that are of no use to send again
      this.stopped = "";
      document.getElementById("all").max = this.total || 1;
      set.items.slice(0, SHOWN).forEach((item, number) => say(item, number, "waits"));
      if (set.items.length > SHOWN) document.getElementById("rest").textContent = `and ${count(set.items.length - SHOWN)} more; one that fails is listed`;
    }

    tell() {
      const parts = [`${count(this.done)} of ${count(this.set.items.length)} files, ${size(this.bytes)} of ${size(this.total)}`];
      if (this.failed.length) parts.push(`${count(this.failed.length)} failed`);
      document.getElementById("all").value = this.bytes;
      document.getElementById("said").textContent = parts.join(", ");
    }

    heard(item, offset) {
      this.bytes += offset - item.sent;
      item.sent = offset;
      this.tell();
    }

    async one(number) {
      const item = this.set.items[number];
      item.failure = "";
      try {
        checkTaken(item.file);
        say(item, number, "is sent");
        const id = await send(item, this.set.isTable ? this.set.id : null, (offset) => this.heard(item, offset));
        say(item, number, claim ? await claimImages(id) : collect || this.set.items.length === 1 || this.set.isTable ? "is there" : await importAs(id, item));
        item.id = id;
        this.done += 1;
        this.inARow = 0;
      } catch (error) {
        item.failure = error.message;
        this.failed.push(number);
        if (error.status === 415) this.refused.add(number);
        else this.inARow += 1;
        say(item, number, error.message);
        if (error.status === 401 || this.inARow >= IN_A_ROW) this.stopped = error.message;
      }
      this.tell();
    }

    // All of them, as far as nothing speaks against going on at all.
    async run(numbers) {
      const left = numbers.slice().reverse();
      this.failed = [];
      this.stopped = "";
      this.inARow = 0;
      this.tell();
      await Promise.all(Array.from({ length: AT_ONCE }, async () => {
        while (left.length && !this.stopped) await this.one(left.pop());
      }));
      this.failed.push(...left);
      this.tell();
    }
  }

  const warn = (event) => event.preventDefault();

  async function sendAll(files) {
    const isTable = files.length > 1 && Boolean(mode) && form.elements.mode.value === "one";
    document.getElementById("progress").hidden = false;
    form.hidden = true;
    const set = await makeSet(files, isTable);
    const sending = new Sending(set);
    const run = async (numbers) => {
      again.hidden = without.hidden = true;
      window.addEventListener("beforeunload", warn);
      await sending.run(numbers);
      window.removeEventListener("beforeunload", warn);
      finish(set, sending);
    };
    again.addEventListener("click", () => run(sending.failed.slice()));
    await run([...set.items.keys()]);
  }

  function finish(set, sending) {
    const said = document.getElementById("said");
    const first = set.items.find((item) => item.id);
    const look = !first ? "" : collect ? "#" : claim ? `${base}/image-folders/-/upload/${first.id}` : set.isTable || set.items.length === 1 ? `${base}/datasets/upload/${first.id}` : "";
    if (sending.failed.length) {
      if (sending.stopped) said.textContent += `. It was stopped: ${sending.stopped}`;
      again.hidden = sending.failed.every((number) => sending.refused.has(number));
      without.hidden = !look;
      without.href = look;
      if (collect) without.onclick = (event) => { event.preventDefault(); set.forget(); sendForm(set); };
      return;
    }
    set.forget();
    if (collect) return sendForm(set);
    if (next && first) location.assign(`${next}?${new URLSearchParams({ upload: first.id, folder: form.elements.folder.value })}`);
    else if (look) location.assign(look);
    else said.textContent += ": all are there and are imported now";
  }

  // The form itself, with the files that are there by now; it is no longer one with files in it.
  function sendForm(set) {
    const there = form.elements[collect].value.split(" "); // from before, where the form was wrong otherwise
    form.elements[collect].value = [...there, ...set.items.map((item) => item.id)].filter(Boolean).join(" ");
    const pressed = document.createElement("input");
    pressed.type = "hidden";
    pressed.name = "act";
    pressed.value = act;
    form.append(pressed);
    form.enctype = "application/x-www-form-urlencoded";
    chooser.disabled = true;
    form.submit();
  }

  // The name of an image folder is given before its ZIP is sent.
  function chooseImages(files) {
    const said = document.getElementById("chosen");
    chosen = files.length === 1 ? [...files] : [];
    chooser.required = !chosen.length;
    said.textContent = chosen.length ? `${files[0].name}, ${size(files[0].size)}` : "Drop one ZIP: it may hold any number of images";
    if (chosen.length && !form.elements.name.value) form.elements.name.value = proposedName(files[0]);
    form.elements.name.focus();
  }

  function choose(files) {
    if (claim) return chooseImages(files);
    chosen = next ? [...files].slice(0, 1) : [...files];
    if (next) return;
    if (mode) mode.hidden = chosen.length < 2;
    if (mode) form.elements.mode.value = chosen.length > TABLE_FROM ? "one" : "each";
    const total = chosen.reduce((sum, file) => sum + file.size, 0);
    document.getElementById("chosen").textContent = chosen.length > 1 ? `${count(chosen.length)} files, ${size(total)}` : "";
  }

  // Files of a folder and of those in it, hidden ones apart.
  async function filesOf(entry) {
    if (entry.isFile) {
      const file = await new Promise((done, fail) => entry.file(done, fail));
      file.path = entry.fullPath.replace(/^\//, "");
      return [file];
    }
    const reader = entry.createReader(), found = [];
    for (;;) {
      const some = await new Promise((done, fail) => reader.readEntries(done, fail));
      if (!some.length) break;
      found.push(...some.filter((one) => !one.name.startsWith(".")));
    }
    const files = [];
    for (const one of found) files.push(...await filesOf(one));
    return files;
  }

  async function take(data) {
    const entries = [...data.items].map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry());
    const folders = entries.filter((entry) => entry && entry.isDirectory);
    if (!folders.length) {
      try { chooser.files = data.files; } catch { chooser.required = false; }
      return [...data.files];
    }
    chooser.required = false;
    const files = [];
    for (const entry of entries) if (entry) files.push(...await filesOf(entry));
    return files;
  }

  const accepted = chooser.accept;
  const narrow = () => { if (endings) chooser.accept = listsEndings() ? accepted : ""; };
  form.addEventListener("change", narrow);
  narrow();
  chooser.addEventListener("change", () => choose(chooser.files));
  drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", async (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const files = await take(event.dataTransfer);
    if (!files.length) return;
    choose(files);
    if (chosen.length === 1 && !claim && !collect) sendAll(chosen);
  });
  form.addEventListener("submit", (event) => {
    act = event.submitter ? event.submitter.value : "";
    if (collect && form.elements.source.value !== "upload") return; // nothing of it is a file
    event.preventDefault();
    const isEmpty = !chosen.length && !chooser.files.length;
    if (collect && isEmpty) return form.elements[collect].value ? sendForm({ items: [] }) : chooser.focus();
    sendAll(chosen.length ? chosen : [...chooser.files]);
  });
})();
