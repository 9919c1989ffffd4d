// Everything works without this: it copies, and shows requests as they come.
"use strict";
for (const button of document.querySelectorAll("[data-copy]")) {
	if (!navigator.clipboard) continue;
	button.hidden = false;
	button.addEventListener("click", async () => {
		await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
		button.textContent = "Copied";
	});
}
const rows = document.getElementById("rows");
if (rows && rows.dataset.live) {
	const source = new EventSource(rows.dataset.live);
	const line = document.getElementById("live"), text = document.getElementById("livetext"), pause = document.getElementById("pause");
	let waiting = [], paused = false;
	const put = (html) => { // the server has escaped all that is not its own
		rows.insertAdjacentHTML("afterbegin", html);
		rows.firstElementChild.classList.add("new");
		while (rows.children.length > 200) rows.lastElementChild.remove();
		const none = document.getElementById("none");
		if (none) none.remove();
	};
	source.onopen = () => { line.hidden = false; line.classList.add("on"); };
	source.onerror = () => line.classList.remove("on");
	source.onmessage = (event) => {
		if (!paused) return put(event.data);
		waiting = [...waiting, event.data].slice(-200);
		text.textContent = waiting.length + " new";
	};
	pause.addEventListener("click", () => {
		paused = !paused;
		pause.textContent = paused ? "Go on" : "Pause";
		for (const html of waiting) put(html);
		waiting = [];
		text.textContent = "New requests show here as they come";
	});
}
