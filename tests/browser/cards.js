// Draws cards with the official renderer, one below the other, and looks at what came of it.

const markdown = window.markdownit();
AdaptiveCards.AdaptiveCard.onProcessMarkdown = (text, result) => {
  result.outputHtml = markdown.render(text);
  result.didProcess = true;
};

function draw(cards, hostConfig, mistakes) {
  const main = document.createElement("main");
  const faults = [];
  cards.forEach(([name, content], number) => {
    const card = new AdaptiveCards.AdaptiveCard();
    card.hostConfig = new AdaptiveCards.HostConfig(hostConfig);
    card.parse(content);
    for (const input of card.getAllInputs()) input.id = `card-${number}-${input.id}`;
    for (const event of card.validateProperties().validationEvents) faults.push(`${name}: ${event.message}`);
    const section = document.createElement("section");
    section.dataset.name = name;
    section.append(card.render());
    main.append(section);
    if (mistakes) card.getAllInputs().forEach((input) => input.validateValue());
  });
  document.body.replaceChildren(main);
  return faults;
}

const ofEachCard = (look) =>
  [...document.querySelectorAll("section")].flatMap((section) =>
    look(section).map((fault) => `${section.dataset.name}: ${fault}`)
  );

const said = (element) => `${element.tagName.toLowerCase()}.${element.className} “${element.textContent.slice(0, 60)}”`;

// What sticks out of its card, or is cut off where it cannot be scrolled to.
function outOfSight() {
  const screen = document.documentElement.clientWidth;
  return ofEachCard((section) =>
    [...section.querySelectorAll("*")].flatMap((element) => {
      const { left, right, width, height } = element.getBoundingClientRect();
      if (width === 0 || height === 0) return [];
      if (left < -1 || right > screen + 1) return [`sticks out by ${Math.ceil(right - screen)}: ${said(element)}`];
      if (["INPUT", "TEXTAREA"].includes(element.tagName)) return [];
      const hides = getComputedStyle(element);
      const cutAcross = hides.overflowX !== "visible" && element.scrollWidth > element.clientWidth + 1;
      const cutBelow = hides.overflowY !== "visible" && element.scrollHeight > element.clientHeight + 1;
      return cutAcross || cutBelow ? [`is cut off: ${said(element)}`] : [];
    })
  );
}

// What assistive technology needs of each card.
function unnamed() {
  return ofEachCard((section) => {
    const found = [];
    for (const field of section.querySelectorAll("input, textarea, select"))
      if (![...(field.labels ?? [])].some((label) => label.textContent.trim())) found.push(`no label: ${said(field)}`);
    for (const button of section.querySelectorAll("button"))
      if (!button.textContent.trim()) found.push(`no name: ${said(button)}`);
    if (section.querySelector("img, svg, picture")) found.push("has an image");
    if (!section.innerText.trim()) found.push("is empty");
    return found;
  });
}

const withoutHeading = () => ofEachCard((section) => (section.querySelector("[role=heading]") ? [] : ["no heading"]));

// How often each element stands in each card that Markdown or HTML could have made.
const made =
  "a, area, img, at, script, iframe, object, embed, form, svg, style, link, strong, em, b, i, u, s, del, code, pre, " +
  "h1, h2, h3, h4, h5, h6, ul, ol, li, blockquote, hr";
const marks = () =>
  Object.fromEntries(
    [...document.querySelectorAll("section")].map((section) => {
      const counts = {};
      for (const element of section.querySelectorAll(made))
        counts[element.tagName.toLowerCase()] = (counts[element.tagName.toLowerCase()] ?? 0) + 1;
      return [section.dataset.name, counts];
    })
  );

// What axe finds, and where it cannot tell whether there is enough contrast. It never can for a textarea with a layout
// of its own; the colours of fields are the theme's, and no card changes them.
async function violations(options) {
  const { violations, incomplete } = await axe.run(document, options);
  const unsure = incomplete.filter((rule) => rule.id === "color-contrast");
  return [...violations, ...unsure].flatMap((rule) =>
    rule.nodes
      .filter((node) => violations.includes(rule) || !node.html.startsWith("<textarea"))
      .map((node) => {
        const name = document.querySelector(node.target[0])?.closest("section")?.dataset.name;
        return `${rule.id}: ${name}: ${node.html.slice(0, 160)} ${node.failureSummary.slice(0, 300)}`;
      })
  );
}
