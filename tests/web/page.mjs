// Looks at a page in headless Chromium: node page.mjs PAGE LANGUAGE
// Prints "ok: ..." for each thing it checked and ends with 1 at the first that does not hold.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const [page_file, language] = process.argv.slice(2);
const require = createRequire(path.join(process.cwd(), 'package.json'));
const puppeteer = require('puppeteer-core');
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const url = 'file://' + page_file;

function hold(what, holds, found) {
  if (!holds) {
    console.error(`FAILED: ${what}` + (found === undefined ? '' : `: ${JSON.stringify(found, null, 1)}`));
    process.exitCode = 1;
    throw new Error(what);
  }
  console.log(`ok: ${what}`);
}

const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking'],
});

// A tab in which everything that a hostile text might achieve is noted.
async function open(scheme, width, script = true) {
  const tab = await browser.newPage();
  const seen = { requests: [], dialogs: [], errors: [], console: [] };
  const cdp = await tab.createCDPSession();
  await cdp.send('Network.enable');
  cdp.on('Network.requestWillBeSent', (event) => seen.requests.push(event.request.url));
  cdp.on('Network.webSocketCreated', (event) => seen.requests.push(event.url));
  tab.on('dialog', (dialog) => { seen.dialogs.push(dialog.message()); dialog.dismiss(); });
  tab.on('pageerror', (error) => seen.errors.push(error.message));
  tab.on('console', (message) => seen.console.push(message.text()));
  await tab.setJavaScriptEnabled(script);
  await tab.setViewport({ width, height: 900 });
  await tab.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
  await tab.goto(url, { waitUntil: 'load' });
  return { tab, seen };
}

async function check_harmless({ tab, seen }, when) {
  hold(`${when}: no script of a stranger ran`, await tab.evaluate(() => window.hostile === undefined));
  hold(`${when}: no request left the page`, seen.requests.every((one) => one === url || one.startsWith(url + '#')), seen.requests);
  hold(`${when}: no dialog, no error, nothing refused by the policy`,
    seen.dialogs.length + seen.errors.length + seen.console.length === 0, seen);
}

async function check_accessible(tab, when) {
  await tab.evaluate(axe);
  const found = await tab.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  const brief = found.violations.map((one) => ({ id: one.id, help: one.help,
    nodes: one.nodes.slice(0, 4).map((node) => node.html.slice(0, 160) + ' ' + (node.any[0]?.message ?? '')) }));
  hold(`${when}: axe finds no violation`, brief.length === 0, brief);
}

async function check_words({ tab }) {
  const words = await tab.evaluate(() => ({
    lang: document.documentElement.lang, title: document.title, h1: document.querySelector('h1').textContent,
    h2: [...document.querySelectorAll('h2')].map((one) => one.textContent),
    text: document.body.innerText, answers: document.querySelectorAll('.answers li').length,
    first: document.querySelector('.answers').getBoundingClientRect().top,
    elements: document.querySelectorAll('img, svg[onload], b b, iframe, link, object, embed').length,
  }));
  hold('the language is said', words.lang === (language === 'zh' ? 'zh-CN' : 'en'), words.lang);
  const chinese = (text) => /[\u4e00-\u9fff]/.test(text);
  hold('headings are in that language', [words.h1, ...words.h2].every((text) => chinese(text) === (language === 'zh')), words.h2);
  hold('an answer for each incident stands first', words.answers >= 1 && words.first < 400, words.first);
  hold('a hostile certificate is shown as text', words.text.includes('CN=</script><script>window.hostile=1</script>'));
  hold('bidi controls are written out', words.text.includes('\\u{202E}') && !/[\u202a-\u202e\u2066-\u2069]/.test(words.text));
  hold('no element came of a hostile text', words.elements === 0, words.elements);
}

// By keyboard alone: the first cell of the matrix is reached, opened and closed. Works without JavaScript.
async function check_keyboard(tab, when) {
  const is_open = () => tab.evaluate(() => document.querySelector('.matrix details').open);
  await tab.evaluate(() => { document.querySelector('.matrix').parentElement.focus(); });
  for (let presses = 0; presses < 5; presses++) {
    await tab.keyboard.press('Tab');
    if (await tab.evaluate(() => document.activeElement.matches('.matrix summary'))) break;
  }
  hold(`${when}: a cell is reached with Tab`, await tab.evaluate(() => document.activeElement.matches('.matrix summary')));
  await tab.keyboard.press('Enter');
  hold(`${when}: Enter opens its evidence`, await is_open());
  hold(`${when}: the evidence has counts and the last failure`, await tab.evaluate(() => {
    const inside = document.querySelector('.matrix details[open] .ev');
    return inside.querySelector('.counts li') !== null && inside.querySelectorAll('dd').length > 3 && inside.offsetHeight > 40;
  }));
  await tab.keyboard.press('Enter');
  hold(`${when}: and Enter closes it`, !(await is_open()));
}

async function check_script(tab) {
  const state = () => tab.evaluate(() => ({
    shown: [...document.querySelectorAll('#heatmap tbody')].filter((one) => !one.hidden).length,
    all: document.querySelectorAll('#heatmap tbody').length }));
  await tab.type('#filter', 'shop');
  const some = await state();
  hold('the filter leaves the endpoints that fit', some.shown === 2 && some.all > 2, some);
  await tab.evaluate(() => { document.querySelector('#filter').value = ''; document.querySelector('#filter').dispatchEvent(new Event('input')); });
  await tab.click('#failing');
  const bad = await state();
  hold('"only what fails" hides the others', bad.shown >= 1 && bad.shown < bad.all, bad);
  await tab.click('#failing');

  const moment = await tab.evaluate(() => {
    const slider = document.querySelector('#moment');
    slider.value = slider.min;
    slider.dispatchEvent(new Event('input'));
    return { marked: document.querySelectorAll('#heatmap td.at').length, rows: document.querySelectorAll('#heatmap tbody tr').length,
             text: document.querySelector('#then').textContent };
  });
  hold('the slider marks one moment and says it', moment.marked === moment.rows && /\d\d:\d\d/.test(moment.text), moment);

  const order = () => tab.evaluate(() => [...document.querySelectorAll('#certs tbody tr')].map((row) => Number(row.cells[0].dataset.v)));
  const before = await order();
  await tab.click('#certs thead button');
  await tab.click('#certs thead button');
  const after = await order();
  hold('a click on a heading sorts by value', before.length > 2 && after.every((one, i) => i === 0 || after[i - 1] >= one), after);

  const target = await tab.evaluate(() => { const link = document.querySelector('#heatmap td a'); link.click(); return link.getAttribute('href'); });
  await tab.waitForFunction((id) => document.querySelector(id).closest('details').open, { timeout: 5000 }, target);
  hold('a number of the heat map leads to its evidence, which opens', true);

  const back = () => tab.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const colours = [await back()];
  for (let i = 0; i < 2; i++) { await tab.click('#theme'); colours.push(await back()); }
  hold('the button changes the colours', new Set(colours).size === 2, colours);
}

async function check_narrow(tab) {
  const wide = await tab.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  hold('nothing sticks out of a narrow window', wide <= 0, wide);
}

// What does not hang on the language.
async function check_other_ways() {
  const dark = await open('dark', 1400);
  hold('dark is dark', await dark.tab.evaluate(() => getComputedStyle(document.body).backgroundColor !== 'rgb(255, 255, 255)'));
  await dark.tab.evaluate(() => document.querySelectorAll('details').forEach((one) => { one.open = true; }));
  await check_accessible(dark.tab, 'dark, all evidence open');
  await check_harmless(dark, 'dark');

  const narrow = await open('light', 390);
  await narrow.tab.evaluate(() => document.querySelectorAll('details').forEach((one) => { one.open = true; }));
  await check_narrow(narrow.tab);
  await check_accessible(narrow.tab, 'narrow, all evidence open');

  const bare = await open('light', 1400, false);
  await check_keyboard(bare.tab, 'without JavaScript');
  hold('without JavaScript: controls that need it are not shown', await bare.tab.evaluate(() => document.querySelector('#controls').hidden));
  await check_harmless(bare, 'without JavaScript');
}

try {
  const light = await open('light', 1400);
  await check_words(light);
  await check_accessible(light.tab, 'light');
  await check_keyboard(light.tab, 'light');
  await check_script(light.tab);
  await check_harmless(light, 'light');
  if (language === 'en') await check_other_ways();
  const pdf = await light.tab.pdf({ preferCSSPageSize: true });
  hold('it prints', pdf.length > 10000);
} catch (error) {
  if (!process.exitCode) console.error(error);
  process.exitCode = 1;
} finally {
  await browser.close();
}
