document.querySelectorAll("main > section").forEach(function (section) {
  var cases = Array.from(section.querySelectorAll("article[data-tags]")).map(function (article) {
    return { article: article, tags: new Map(JSON.parse(article.dataset.tags)) };
  });
  if (cases.length < 2) { return; }
  var names = new Map();
  cases.forEach(function (one) {
    one.tags.forEach(function (value, name) {
      if (!names.has(name)) { names.set(name, new Set()); }
      names.get(name).add(value);
    });
  });
  var bar = document.createElement("div"), told = document.createElement("p"), choices = new Map();
  bar.className = "filter";
  bar.append("Show only texts with");
  told.setAttribute("role", "status");
  var narrow = function () {
    var asked = Array.from(choices).filter(function (pair) { return pair[1].value !== ""; })
      .map(function (pair) { return [pair[0], pair[1].options[pair[1].selectedIndex].text]; });
    var shown = 0;
    cases.forEach(function (one) {
      var fits = asked.every(function (pair) { return one.tags.get(pair[0]) === pair[1]; });
      one.article.hidden = !fits;
      if (fits) { shown += 1; }
      if (fits && asked.length) {
        for (var fold = one.article.closest("details"); fold; fold = fold.parentElement.closest("details")) { fold.open = true; }
      }
    });
    told.textContent = asked.length ? shown + " of the " + cases.length + " texts on this page fit." : "";
  };
  names.forEach(function (values, name) {
    var label = document.createElement("label"), select = document.createElement("select");
    label.append(name + " ");
    select.append(new Option("all", ""));
    Array.from(values).sort().forEach(function (value, i) { select.append(new Option(value, String(i + 1))); });
    select.addEventListener("change", narrow);
    choices.set(name, select);
    label.append(select);
    bar.append(label);
  });
  bar.append(told);
  var first = cases[0].article;
  while (first.parentElement !== section) { first = first.parentElement; }
  first.before(bar);
  document.querySelectorAll("a[data-choice]").forEach(function (link) {
    if (link.hash !== "#" + section.id) { return; }
    link.addEventListener("click", function () {
      var asked = new Map(JSON.parse(link.dataset.choice));
      choices.forEach(function (select, name) {
        var texts = Array.from(select.options).map(function (option) { return option.text; });
        select.selectedIndex = asked.has(name) ? texts.indexOf(asked.get(name), 1) : 0;
        if (select.selectedIndex < 0) { select.selectedIndex = 0; }
      });
      narrow();
      setTimeout(function () { bar.scrollIntoView(); });  // after the jump to the section
      asked.forEach(function (value, name) {
        if (!names.has(name) || !names.get(name).has(value)) {
          told.textContent = "None of the texts on this page has " + name + ": " + value + ". All are shown.";
        }
      });
    });
  });
});
