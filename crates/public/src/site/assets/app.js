// What the pages gain with scripts: suggestions while typing, another script without a new page, a scale that plays,
// a beat that moves, songs that a reader keeps, a report that is sent. Every page is whole without it.
"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // --- Another script without a new page. Lines have the same anchors in all scripts, so the line that is read stays
  // where it is. Whatever goes wrong, the link is followed.

  function lineInView() {
    return all(".line[id]").find((line) => line.getBoundingClientRect().top >= 0);
  }

  async function showPage(href) {
    const answer = await fetch(href, { headers: { accept: "text/html" } });
    if (!answer.ok) throw new Error(answer.status);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const line = window.scrollY > 0 ? lineInView() : null;
    const before = line?.getBoundingClientRect().top;
    for (const part of ["main", "header.site", "footer.site"]) document.querySelector(part).replaceWith(page.querySelector(part));
    document.title = page.title;
    for (const kind of ["canonical"]) {
      const [here, there] = [document, page].map((of) => of.querySelector(`link[rel=${kind}]`));
      if (here && there) here.href = there.getAttribute("href");
    }
    enliven();
    const same = line && document.getElementById(line.id);
    if (same) window.scrollBy({ top: same.getBoundingClientRect().top - before, behavior: "instant" });
  }

  function switchScripts() {
    for (const link of all("a[data-script]")) {
      link.addEventListener("click", async (event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        const focused = link.textContent;
        try {
          await showPage(link.href);
          history.pushState({}, "", link.href);
          shown = here();
          all("a[data-script]").find((other) => other.textContent === focused)?.focus({ preventScroll: true });
        } catch {
          location.href = link.href;
        }
      });
    }
  }

  // Going to an anchor of the same page is a step in the history too.
  const here = () => location.pathname + location.search;
  let shown = here();

  window.addEventListener("popstate", () => {
    if (here() === shown) return;
    shown = here();
    showPage(location.href).catch(() => location.reload());
  });

  // --- Suggestions, as a listbox under the search field.

  function suggestions(input, number) {
    const words = JSON.parse(input.dataset.suggest);
    const list = document.createElement("ul");
    list.id = `suggestions-${number}`;
    list.className = "suggestions";
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", words.label);
    list.hidden = true;
    input.form.append(list);
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-controls", list.id);
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-expanded", "false");

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
        const [path, word] = words.kinds[item.kind] || ["search", ""];
        option.dataset.href = `/${path}/${encodeURIComponent(item.slug)}${words.query}`;
        option.lang = tagOf(item.label);
        const kind = document.createElement("span");
        kind.className = "kind";
        kind.textContent = word;
        kind.lang = document.documentElement.lang;
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
      query.set("script", words.script);
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

  // The script of a name, for the screen reader and the font.
  const BLOCKS = [[0x900, "sa-Deva"], [0xb80, "ta-Taml"], [0xc00, "te-Telu"], [0xc80, "kn-Knda"], [0xd00, "ml-Mlym"]];

  function tagOf(text) {
    const letter = [...text].map((c) => c.codePointAt(0)).find((code) => code >= 0x900 && code < 0xd80) || 0;
    return BLOCKS.findLast(([first]) => letter >= first)?.[1] || "sa-Latn";
  }

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

  function playScale(button) {
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
      button.textContent = button.dataset.stop;
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

  function keepBeat(button) {
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
        button.textContent = button.dataset.stop;
        beat();
      }
    });
    tempo.addEventListener("input", () => { output.textContent = tempo.value; });
  }

  // --- What a reader keeps, in this browser alone: songs, and setlists of songs in order.

  const STORE = "sangraha";
  const SONGS_MAX = 60;

  function kept() {
    try {
      const all = JSON.parse(localStorage.getItem(STORE) || "{}");
      return { songs: Array.isArray(all.songs) ? all.songs : [], lists: Array.isArray(all.lists) ? all.lists : [] };
    } catch {
      return { songs: [], lists: [] };
    }
  }

  function keep(change) {
    const all = kept();
    change(all);
    try {
      localStorage.setItem(STORE, JSON.stringify(all));
    } catch {
      // A browser that keeps nothing for us: the page works without.
    }
  }

  function keepSong(button) {
    const { song, title } = button.closest("[data-song]").dataset;
    const draw = () => {
      const is = kept().songs.some((other) => other.slug === song);
      button.setAttribute("aria-pressed", String(is));
      button.textContent = is ? button.dataset.kept : button.dataset.keep;
    };
    button.addEventListener("click", () => {
      keep((all) => {
        const others = all.songs.filter((other) => other.slug !== song);
        all.songs = others.length < all.songs.length ? others : [...others, { slug: song, title }].slice(-SONGS_MAX);
      });
      draw();
    });
    draw();
  }

  function made(tag, text, attributes = {}) {
    const element = document.createElement(tag);
    element.textContent = text;
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  }

  function asked(text, label, act) {
    const button = made("button", text, { type: "button", class: "quiet", "aria-label": label });
    button.addEventListener("click", act);
    return button;
  }

  function ownLists(article) {
    const words = JSON.parse(article.dataset.words);
    const shown = article.dataset.slugs.split(",").filter(Boolean);
    const mine = article.querySelector(".mine");
    const face = new URLSearchParams(location.search);
    const faced = (path, more = {}) => {
      const query = new URLSearchParams(more);
      for (const name of ["lang", "script"]) if (face.get(name)) query.set(name, face.get(name));
      query.sort();
      return query.size ? `${path}?${query}` : path;
    };
    const listHref = (list) => faced("/favourites", { songs: list.songs.join(","), title: list.title });
    const change = (act) => { keep(act); draw(); };

    function songs(all) {
      const list = made("ol", "", { class: "kept" });
      all.songs.forEach((song, at) => {
        const line = made("li", "");
        line.append(made("a", song.title, { href: faced(`/compositions/${encodeURIComponent(song.slug)}`), lang: tagOf(song.title) }));
        if (at > 0) line.append(asked("↑", `${words.up}: ${song.title}`, () => change(({ songs }) => songs.splice(at - 1, 0, ...songs.splice(at, 1)))));
        line.append(asked("×", `${words.remove}: ${song.title}`, () => change(({ songs }) => songs.splice(at, 1))));
        list.append(line);
      });
      return list;
    }

    function maker() {
      const form = made("form", "");
      const label = made("label", words.name);
      const name = made("input", "", { type: "text", maxlength: "80", required: "" });
      label.append(name);
      form.append(label, made("button", words.make, { type: "submit" }));
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        change((all) => all.lists.push({ title: name.value.trim(), songs: all.songs.map((song) => song.slug) }));
      });
      return form;
    }

    function lists(all) {
      const list = made("ul", "");
      all.lists.forEach((one, at) => {
        const line = made("li", "");
        line.append(made("a", `${one.title} (${one.songs.length})`, { href: listHref(one), title: words.open }));
        line.append(asked("×", `${words.remove}: ${one.title}`, () => change(({ lists }) => lists.splice(at, 1))));
        list.append(line);
      });
      return list;
    }

    function draw() {
      const all = kept();
      mine.replaceChildren();
      if (shown.length) {
        mine.append(asked(words.keep_all, words.keep_all, () => keep((own) => {
          for (const link of all_songs(article)) if (!own.songs.some((song) => song.slug === link.slug)) own.songs.push(link);
          own.songs = own.songs.slice(-SONGS_MAX);
        })));
        return;
      }
      mine.append(made("h2", words.kept));
      mine.append(all.songs.length ? songs(all) : made("p", words.none));
      if (all.songs.length) mine.append(maker());
      if (all.lists.length) mine.append(made("h2", words.lists), lists(all));
    }

    draw();
  }

  function all_songs(article) {
    const slugOf = (link) => decodeURIComponent(new URL(link.href).pathname.split("/").pop());
    return all("ol.songs a.song", article).map((link) => ({ slug: slugOf(link), title: link.textContent }));
  }

  // --- A report is sent without leaving the line that it is about.

  function report(form) {
    const outcome = form.querySelector(".outcome");
    const fields = form.elements;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const anchor = { kind: "composition", ref: form.dataset.report };
      if (fields.section.value) anchor.section = fields.section.value;
      if (fields.line.value) anchor.line = Number(fields.line.value);
      const body = { anchor, text: fields.text.value };
      if (fields.contact.value.trim()) body.contact = fields.contact.value;
      try {
        const answer = await fetch("/v1/reports", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
        const problem = answer.ok ? null : await answer.json();
        if (problem) throw new Error((problem.errors || []).map((error) => error.detail).join(" "));
        form.reset();
        outcome.textContent = outcome.dataset.sent;
      } catch (error) {
        outcome.textContent = [outcome.dataset.failed, error.message].join(" ");
      }
    });
    // The line that was clicked last is offered.
    for (const line of all(".line[id]")) {
      line.addEventListener("click", () => {
        const section = line.closest("[data-section]").dataset.section;
        fields.section.value = section;
        fields.line.value = fields.section.value === section ? line.id.split("-l").pop() : "";
      });
    }
  }

  // --- Menus close when the reader goes elsewhere.

  function dropDown(menu) {
    menu.addEventListener("focusout", (event) => {
      if (event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
    });
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  }

  document.addEventListener("click", (event) => {
    for (const menu of all("details.tongues[open], details.drop[open]")) if (!menu.contains(event.target)) menu.open = false;
  });

  function openReport() {
    const report = document.getElementById("report");
    if (!report || location.hash !== "#report") return;
    report.open = true;
    report.querySelector("summary").focus();
  }

  function enliven() {
    switchScripts();
    all("input[data-suggest]").forEach(suggestions);
    all("button[data-play]").forEach(playScale);
    all("button[data-beat]").forEach(keepBeat);
    all("button[data-keep]").forEach(keepSong);
    all("button[data-print]").forEach((button) => button.addEventListener("click", () => window.print()));
    all("form[data-report]").forEach(report);
    all(".favourites").forEach(ownLists);
    all("details.tongues, details.drop").forEach(dropDown);
    openReport();
  }

  window.addEventListener("hashchange", openReport);
  enliven();
})();
