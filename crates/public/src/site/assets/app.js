// What the pages gain with scripts: suggestions while typing, the place kept when the script changes,
// a scale that plays, a beat that moves. Every page is whole without it.
"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // --- The place is kept when the script changes: lines have the same anchors in all scripts.

  function lineInView() {
    return all(".line[id], .section[id]").find((line) => line.getBoundingClientRect().top >= 0);
  }

  for (const link of all("a[data-keep-place]")) {
    link.addEventListener("click", () => {
      const line = window.scrollY > 200 ? lineInView() : null;
      if (line) link.hash = line.id;
    });
  }

  // --- Suggestions, as a listbox under the search field.

  const KINDS = { composition: "Song", raga: "Raga", composer: "Composer", tala: "Tala", deity: "Deity", temple: "Temple", group: "Group" };
  const PATHS = { deity: "deities" };
  const pathOf = (item) => `/${PATHS[item.kind] || item.kind + "s"}/${item.slug}`;

  function suggestions(input, number) {
    const script = new URLSearchParams(location.search).get("script");
    const list = document.createElement("ul");
    list.id = `suggestions-${number}`;
    list.className = "suggestions";
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", "Suggestions");
    list.hidden = true;
    input.form.append(list);
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-controls", list.id);
    input.setAttribute("aria-autocomplete", "list");

    let chosen = -1;
    let asked = null;
    let timer = 0;

    function close() {
      list.hidden = true;
      chosen = -1;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    }

    function choose(index) {
      const options = [...list.children];
      chosen = options.length ? (index + options.length) % options.length : -1;
      options.forEach((option, at) => option.setAttribute("aria-selected", String(at === chosen)));
      if (chosen >= 0) input.setAttribute("aria-activedescendant", options[chosen].id);
    }

    function show(groups) {
      list.replaceChildren();
      for (const item of groups.flatMap((group) => group.items)) {
        const option = document.createElement("li");
        option.id = `${list.id}-${list.children.length}`;
        option.setAttribute("role", "option");
        option.dataset.href = pathOf(item) + (script ? `?script=${encodeURIComponent(script)}` : "");
        const kind = document.createElement("span");
        kind.className = "kind";
        kind.textContent = KINDS[item.kind] || "";
        option.append(item.label, " ", kind);
        if (item.alias) {
          const alias = document.createElement("span");
          alias.className = "alias";
          alias.textContent = item.alias;
          option.append(" ", alias);
        }
        option.addEventListener("mousedown", (event) => {
          event.preventDefault();
          location.href = option.dataset.href;
        });
        list.append(option);
      }
      list.hidden = list.children.length === 0;
      input.setAttribute("aria-expanded", String(!list.hidden));
      choose(-1);
      chosen = -1;
      all("[aria-selected=true]", list).forEach((option) => option.setAttribute("aria-selected", "false"));
      input.removeAttribute("aria-activedescendant");
    }

    async function ask() {
      const text = input.value.trim();
      asked?.abort();
      if (text.length < 2) return close();
      asked = new AbortController();
      const query = new URLSearchParams({ limit: "8", q: text });
      if (script) query.set("script", script);
      query.sort();
      try {
        const answer = await fetch(`/v1/suggest?${query}`, { signal: asked.signal });
        if (answer.ok) show((await answer.json()).groups);
      } catch {
        close();
      }
    }

    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(ask, 120);
    });
    input.addEventListener("blur", close);
    input.addEventListener("keydown", (event) => {
      if (list.hidden) return;
      if (event.key === "ArrowDown") choose(chosen + 1);
      else if (event.key === "ArrowUp") choose(chosen < 0 ? -1 : chosen - 1);
      else if (event.key === "Escape") close();
      else if (event.key === "Enter" && chosen >= 0) location.href = list.children[chosen].dataset.href;
      else return;
      event.preventDefault();
    });
  }

  all("input[data-suggest]").forEach(suggestions);

  // --- Sound: a plucked tone, made here.

  let audio = null;
  const SA_HZ = 261.63;

  function sound() {
    audio ??= new AudioContext();
    if (audio.state === "suspended") audio.resume();
    return audio;
  }

  function pluck(context, pitch, at, seconds) {
    const gain = context.createGain();
    gain.gain.setValueAtTime(0.0001, at);
    gain.gain.exponentialRampToValueAtTime(0.25, at + 0.015);
    gain.gain.exponentialRampToValueAtTime(0.0001, at + seconds);
    gain.connect(context.destination);
    for (const [harmonic, level] of [[1, 1], [2, 0.4], [3, 0.2], [4, 0.08]]) {
      const tone = context.createOscillator();
      const part = context.createGain();
      tone.frequency.value = SA_HZ * 2 ** (pitch / 12) * harmonic;
      part.gain.value = level;
      tone.connect(part).connect(gain);
      tone.start(at);
      tone.stop(at + seconds);
    }
    return gain;
  }

  // --- A scale, note by note, with its keys lit.

  const NOTE_S = 0.55;

  for (const button of all("button[data-play]")) {
    const label = button.textContent;
    let playing = null;

    function stop() {
      playing.timers.forEach(clearTimeout);
      playing.notes.forEach((note) => note.disconnect());
      all(".key.sounding").forEach((key) => key.classList.remove("sounding"));
      playing = null;
      button.textContent = label;
    }

    button.addEventListener("click", () => {
      if (playing) return stop();
      const context = sound();
      const pitches = button.dataset.play.split(" ").map(Number);
      const start = context.currentTime + 0.05;
      playing = { timers: [], notes: [] };
      button.textContent = "Stop";
      pitches.forEach((pitch, index) => {
        playing.notes.push(pluck(context, pitch, start + index * NOTE_S, NOTE_S * 1.6));
        const key = document.querySelector(`.key[data-pitch="${pitch}"]`) || document.querySelector(`.key[data-pitch="${((pitch % 12) + 12) % 12}"]`);
        playing.timers.push(setTimeout(() => {
          all(".key.sounding").forEach((other) => other.classList.remove("sounding"));
          key?.classList.add("sounding");
        }, (0.05 + index * NOTE_S) * 1000));
      });
      playing.timers.push(setTimeout(stop, (pitches.length * NOTE_S + 0.6) * 1000));
    });
  }

  // --- A beat that moves through the avartanam.

  for (const button of all("button[data-beat]")) {
    const figure = button.closest(".beating");
    const beats = all(".beat", figure);
    const tempo = figure.querySelector("[data-tempo]");
    const output = figure.querySelector("output");
    const label = button.textContent;
    let timer = 0;
    let at = 0;

    function beat() {
      const current = beats[at % beats.length];
      beats.forEach((other) => other.classList.toggle("now", other === current));
      const context = sound();
      if (!current.classList.contains("rest")) pluck(context, current.classList.contains("clap") ? 12 : 7, context.currentTime, 0.12);
      at += 1;
      timer = setTimeout(beat, 60000 / Number(tempo.value));
    }

    button.addEventListener("click", () => {
      if (timer) {
        clearTimeout(timer);
        timer = 0;
        at = 0;
        beats.forEach((other) => other.classList.remove("now"));
        button.textContent = label;
      } else {
        button.textContent = "Stop";
        beat();
      }
    });
    tempo.addEventListener("input", () => { output.textContent = tempo.value; });
  }
})();
