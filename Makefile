PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo demo-translate demo-sound demo-molecules demo-captions demo-tables test test-slow lint

# Where it is set, every process of the tests compiles all modules anew.
unexport PYTHONDONTWRITEBYTECODE

# The stamp is newer than the files that say what to install, or pip runs again.
$(VENV)/installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable ".[examples,test]"
	touch $@

demo: $(VENV)/installed  ## Train on the embedded digits, show them, export the generator.
	$(BIN)/python examples/train.py --dataset=digits --run_dir=runs/digits --export_dir=runs/digits/saved_models/digits

demo-translate: $(VENV)/installed  ## Train pix2pix on pairs of glyphs, show and score it, export it.
	$(BIN)/python examples/translate.py --task=glyphs --run_dir=runs/glyphs --export_dir=runs/glyphs/saved_models/glyphs

demo-sound: $(VENV)/installed  ## Train WaveGAN on hits made by NumPy, write WAV files, export it.
	$(BIN)/python examples/sound.py --run_dir=runs/sound --export_dir=runs/sound/saved_models/hits

demo-molecules: $(VENV)/installed  ## Sample butane's conformers, train on them, score and draw them.
	$(BIN)/python examples/molecules.py --run_dir=runs/molecules --export_dir=runs/molecules/saved_models/butane

demo-captions: $(VENV)/installed  ## Train on captions of coloured digits, score unseen ones, export it.
	$(BIN)/python examples/captions.py --run_dir=runs/captions --export_dir=runs/captions/saved_models/captions

demo-tables: $(VENV)/installed  ## Train on a table that scikit-learn has, score it beside simpler ways.
	$(BIN)/python examples/tables.py --run_dir=runs/tables --sample=10000 --export_dir=runs/tables/saved_models/rows

test: $(VENV)/installed  ## Everything a user or CI needs to know, in minutes.
	$(BIN)/python -m pytest -m "not slow" --numprocesses=auto --maxprocesses=4 --dist=loadfile --no-loadscope-reorder

test-slow: $(VENV)/installed  ## The rest: whole matrices, kills, full recipes and their figures.
	$(BIN)/python -m pytest -m slow --numprocesses=auto --maxprocesses=4 --dist=loadfile --no-loadscope-reorder

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
