// The report of a run in a real browser. WEIR_REPORT names the file; WEIR_PICTURES, if it is set, a
// folder for pictures of it. Without a Chromium or a report there is nothing to test.

import assert from 'node:assert/strict';
import {writeFileSync} from 'node:fs';
import {join, resolve} from 'node:path';
import {after, before, test} from 'node:test';
import {pathToFileURL} from 'node:url';

import {Chromium, findChromium} from './chromium.mjs';

const path = findChromium();
const report = process.env.WEIR_REPORT;
const skip = path === null ? 'no chromium' : report === undefined ? 'WEIR_REPORT is not set' : false;
const WAYS = [['wide', 1200, false], ['dark', 1200, true], ['narrow', 400, false], ['narrow-dark', 400, true]];

// How far the ink of each text stands out from the paper below it, as WCAG measures it.
const CONTRASTS = `(() => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => {
    const [r, g, b] = channels(color).slice(0, 3).map((c) => c / 255)
      .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = (element) => {
    for (; element; element = element.parentElement) {
      const color = getComputedStyle(element).backgroundColor;
      if ((channels(color)[3] ?? 1) > 0) return color;
    }
    return 'rgb(255, 255, 255)';
  };
  return [...document.querySelectorAll('h1, h2, p, dt, dd, th, td, figcaption, .key, .note, text')].map((element) => {
    const style = getComputedStyle(element);
    const ink = light(element.tagName === 'text' ? style.fill : style.color);
    const ground = light(paper(element));
    return [(Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05), element.outerHTML.slice(0, 80)];
  });
})()`;

let browser;
before(() => {
  if (!skip) browser = new Chromium(path);
});
after(() => browser?.close());

for (const [name, width, dark] of WAYS) {
  test(`the report can be read: ${name}`, {skip, timeout: 60_000}, async () => {
    const page = await browser.newPage();
    const url = pathToFileURL(resolve(report)).href;
    await page.open(url, {width, dark});
    if (process.env.WEIR_PICTURES) {
      writeFileSync(join(process.env.WEIR_PICTURES, `report-${name}.png`), await page.picture());
    }

    assert.deepEqual(page.requests, [url], 'the page fetches nothing');
    assert.deepEqual(page.complaints, [], 'the browser has nothing to complain about');
    assert.ok(await page.value('document.querySelectorAll("main > h2").length') >= 2);
    assert.equal(await page.value('document.querySelectorAll("script, link, img, iframe").length'), 0);

    const wide = await page.value('document.documentElement.scrollWidth');
    assert.ok(wide <= width, `the page is ${wide} pixels wide in a window of ${width}`);
    const small = await page.value(`[...document.querySelectorAll("figure svg[role=img] text")]
      .map((text) => text.getBoundingClientRect().height).filter((height) => height < 10).length`);
    assert.equal(small, 0, 'texts of charts are too small');

    const ink = await page.value('getComputedStyle(document.body).color');
    assert.equal(ink, dark ? 'rgb(231, 234, 238)' : 'rgb(27, 31, 36)');
    const contrasts = await page.value(CONTRASTS);
    assert.ok(contrasts.length > 10);
    assert.deepEqual(contrasts.filter(([contrast]) => contrast < 4.5), [], 'texts are too pale');

    const {nodes} = await page.send('Accessibility.getFullAXTree');
    const pictures = nodes.filter((node) => node.role?.value === 'image' && !node.ignored);
    assert.ok(pictures.length > 0);
    for (const picture of pictures) assert.ok(picture.name?.value, 'a picture has a name');
    for (const role of ['columnheader', 'rowheader', 'heading']) {
      assert.ok(nodes.some((node) => node.role?.value === role), `there is a ${role}`);
    }
  });
}
