(function () {
'use strict';
var doc = document, root = doc.documentElement;
function one(id) { return doc.getElementById(id); }
function all(selector, under) { return Array.prototype.slice.call((under || doc).querySelectorAll(selector)); }
function fill(text, values) { return text.replace(/\{(\w+)\}/g, function (whole, key) { return values[key]; }); }

/* Colours: as the system, light, dark. */
var theme = one('theme'), themes = ['auto', 'light', 'dark'], chosen = 0;
function paint() {
  if (chosen === 0) root.removeAttribute('data-theme'); else root.setAttribute('data-theme', themes[chosen]);
  theme.textContent = theme.getAttribute('data-' + themes[chosen]);
}
theme.hidden = false;
theme.addEventListener('click', function () { chosen = (chosen + 1) % themes.length; paint(); });
paint();

/* Tables are sorted by a click on a heading. */
function valueOf(cell) {
  var own = cell.getAttribute('data-v');
  return own === null ? cell.textContent : Number(own);
}
function compare(a, b) {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1;
  return a.localeCompare(b);
}
all('table.sortable').forEach(function (table) {
  all('thead th', table).forEach(function (head, column) {
    var button = doc.createElement('button');
    button.type = 'button';
    while (head.firstChild) button.appendChild(head.firstChild);
    head.appendChild(button);
    button.addEventListener('click', function () {
      var down = head.getAttribute('aria-sort') === 'ascending', body = table.tBodies[0];
      all('thead th', table).forEach(function (other) { other.removeAttribute('aria-sort'); });
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      all('tr', body).sort(function (a, b) {
        var order = compare(valueOf(a.cells[column]), valueOf(b.cells[column]));
        return down ? -order : order;
      }).forEach(function (row) { body.appendChild(row); });
    });
  });
});

/* What is shown. */
var controls = one('controls'), filter = one('filter'), failing = one('failing'), shown = one('shown');
var keyed = all('[data-k]'), groups = all('#heatmap tbody');
function show() {
  var wanted = filter.value.toLowerCase().trim();
  function fits(item) {
    var isMoment = item.tagName === 'DETAILS';
    return item.getAttribute('data-k').toLowerCase().indexOf(wanted) >= 0 &&
           (!failing.checked || isMoment || item.className === 'bad');
  }
  keyed.forEach(function (item) { item.hidden = !fits(item); });
  shown.textContent = fill(shown.getAttribute('data-text'),
    {shown: groups.filter(function (item) { return !item.hidden; }).length, all: groups.length});
}
if (groups.length > 0) {
  controls.hidden = false;
  controls.addEventListener('submit', function (event) { event.preventDefault(); });
  filter.addEventListener('input', show);
  failing.addEventListener('change', show);
  show();
}

/* One moment of the heat map. */
var scrub = one('scrub'), moment = one('moment'), then = one('then'), marked = [];
function look() {
  var at = Number(moment.value), rows = all('#heatmap tbody tr'), bad = 0, tried = 0;
  marked.forEach(function (cell) { cell.classList.remove('at'); });
  marked = [];
  rows.forEach(function (row) {
    var cell = row.querySelectorAll('td')[at];
    if (!cell) return;
    cell.classList.add('at');
    marked.push(cell);
    tried += cell.textContent !== '' ? 1 : 0;
    bad += cell.firstElementChild ? 1 : 0;
  });
  var time = all('#heatmap thead th')[at + 2].textContent;
  moment.setAttribute('aria-valuetext', time);
  then.textContent = fill(then.getAttribute('data-text'), {time: time, failing: bad, all: tried});
}
if (scrub) {
  scrub.hidden = false;
  scrub.addEventListener('submit', function (event) { event.preventDefault(); });
  moment.addEventListener('input', look);
}

/* Where a link leads is open, also in browsers that do not do so by themselves. */
function reveal() {
  var target = location.hash.length > 1 ? one(location.hash.slice(1)) : null;
  for (var up = target; up; up = up.parentElement) if (up.tagName === 'DETAILS') up.open = true;
  if (target) target.scrollIntoView({block: 'nearest'});
}
window.addEventListener('hashchange', reveal);
reveal();
}());
