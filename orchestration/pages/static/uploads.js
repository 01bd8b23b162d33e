// Sends files in pieces by the tus protocol, a few at a time, and goes on after a reload where it stopped.
"use strict";

(() => {
  const form = document.getElementById("upload");
  const chooser = document.getElementById("file");
  const drop = document.getElementById("drop");
  const mode = document.getElementById("mode");
  const { api, base, limit } = form.dataset;
  const PIECE = 8_000_000, AT_ONCE = 3, TRIES = 5, SHOWN = 200;
  const TUS = { "Tus-Resumable": "1.0.0" };
  let chosen = [];

  chooser.multiple = true;
  for (const part of document.querySelectorAll(".scripted")) part.hidden = false;

  const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
  const size = (bytes) => bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
  const wait = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

  // The address of a file that was begun before, by what the browser knows of it.
  const fingerprint = (file) => `waybill ${api} ${file.name} ${file.size} ${file.lastModified}`;
  const remember = (file, place) => { try { localStorage.setItem(fingerprint(file), place); } catch { /* full or off */ } };
  const recall = (file) => { try { return localStorage.getItem(fingerprint(file)); } catch { return null; } };
  const forget = (file) => { try { localStorage.removeItem(fingerprint(file)); } catch { /* off */ } };

  const reason = async (answer) => {
    try {
      const told = await answer.json();
      return told.hint ? `${told.detail}. ${told.hint}` : told.detail || `status ${answer.status}`;
    } catch {
      return `status ${answer.status}`;
    }
  };

  async function announce(file, partOf) {
    const known = partOf ? null : recall(file);
    if (known) {
      const answer = await fetch(known, { method: "HEAD", headers: TUS });
      if (answer.ok) return { place: known, offset: Number(answer.headers.get("Upload-Offset")) };
      forget(file);
    }
    const pairs = [`filename ${base64(file.name)}`];
    if (partOf) pairs.push(`part_of ${base64(partOf)}`);
    const answer = await fetch(api, {
      method: "POST",
      headers: { ...TUS, "Upload-Length": String(file.size), "Upload-Metadata": pairs.join(",") },
    });
    if (answer.status === 429) return null;
    if (!answer.ok) throw new Error(await reason(answer));
    const place = answer.headers.get("Location");
    remember(file, place);
    return { place, offset: 0 };
  }

  // The whole file; `tell` hears how many bytes are there. Returns the upload's id.
  async function send(file, partOf, tell) {
    let begun = null;
    for (let tries = 0; tries < TRIES;) {
      try {
        begun = begun || await announce(file, partOf);
        if (!begun) { await wait(2); continue; } // more than the server takes at once
        while (begun.offset < file.size) {
          const answer = await fetch(begun.place, {
            method: "PATCH",
            headers: { ...TUS, "Upload-Offset": String(begun.offset), "Content-Type": "application/offset+octet-stream" },
            body: file.slice(begun.offset, begun.offset + PIECE),
          });
          if (answer.status === 429) { await wait(2); continue; }
          if (answer.status === 409 || answer.status === 423) { begun = null; throw new TypeError("elsewhere"); }
          if (!answer.ok) throw new Error(await reason(answer));
          begun.offset = Number(answer.headers.get("Upload-Offset"));
          tell(begun.offset);
          tries = 0;
        }
        forget(file);
        return begun.place.split("/").pop();
      } catch (error) {
        if (!(error instanceof TypeError)) throw error; // the server said no
        begun = null; // the line was cut: ask where it stands
        tries += 1;
        await wait(tries);
      }
    }
    throw new Error("the connection was lost again and again");
  }

  const names = new Set();
  function datasetName(file) {
    const stem = file.name.split(".")[0].toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "") || "upload";
    const plain = (/^[a-z]/.test(stem) ? stem : `d_${stem}`).slice(0, 90);
    let name = plain;
    for (let number = 2; names.has(name); number += 1) name = `${plain}_${number}`;
    names.add(name);
    return name;
  }

  async function importEach(id, file, row) {
    const name = datasetName(file);
    const answer = await fetch(`${api}/${id}/import`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ name }),
    });
    if (!answer.ok) throw new Error(await reason(answer));
    const link = document.createElement("a");
    link.href = `${base}/datasets/upload/${id}/progress`;
    link.textContent = `imported as ${name}`;
    row.say(link);
  }

  function showRow(file, number) {
    if (number >= SHOWN) return { say() {} };
    const row = document.getElementById("files").insertRow();
    row.insertCell().textContent = file.name;
    row.insertCell().textContent = size(file.size);
    const state = row.insertCell();
    state.textContent = "waits";
    return { say(what) { state.replaceChildren(what); } };
  }

  async function sendAll(files) {
    const isTable = files.length > 1 && form.elements.mode.value === "one";
    const all = document.getElementById("all"), said = document.getElementById("said");
    const total = files.reduce((sum, file) => sum + file.size, 0) || 1;
    const sent = new Map();
    let done = 0, failed = 0, next = 0, first = null;
    document.getElementById("progress").hidden = false;
    form.hidden = true;
    all.max = total;
    const tell = () => {
      const bytes = [...sent.values()].reduce((sum, one) => sum + one, 0);
      all.value = bytes;
      said.textContent = `${done} of ${files.length} files, ${size(bytes)} of ${size(total)}${failed ? `, ${failed} failed` : ""}`;
    };
    const rows = files.map(showRow);
    const one = async (number) => {
      const file = files[number], row = rows[number];
      try {
        if (file.size > Number(limit)) throw new Error(`more than ${size(Number(limit))}`);
        row.say("is sent");
        const id = await send(file, isTable ? first : null, (bytes) => { sent.set(number, bytes); tell(); });
        sent.set(number, file.size);
        row.say("is there");
        if (files.length > 1 && !isTable) await importEach(id, file, row);
        done += 1;
        tell();
        return id;
      } catch (error) {
        failed += 1;
        row.say(error.message);
        tell();
        return null;
      }
    };
    tell();
    if (files.length === 1 || isTable) {
      first = await one(next);
      next = 1;
      if (first === null) { form.hidden = false; return; }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      while (next < files.length) { next += 1; await one(next - 1); }
    }));
    if (first !== null && !failed) location.assign(`${base}/datasets/upload/${first}`);
    else if (!failed) said.textContent += ": all are there and are imported now";
  }

  function choose(files) {
    chosen = [...files];
    mode.hidden = chosen.length < 2;
  }

  chooser.addEventListener("change", () => choose(chooser.files));
  drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (!event.dataTransfer.files.length) return;
    try { chooser.files = event.dataTransfer.files; } catch { chooser.required = false; }
    choose(event.dataTransfer.files);
    if (chosen.length === 1) sendAll(chosen);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    sendAll(chosen.length ? chosen : [...chooser.files]);
  });
})();
